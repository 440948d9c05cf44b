/**
 * Writes test/fuzz/seeds with the tests' own writers:
 * `node --import tsx tools/make-fuzz-seeds.mts`.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convert, VectorIndex } from 'llm2clip';
import { QUANTISATION } from '../test/support/bundle-content.mts';
import { CHECKPOINT, LLM } from '../test/support/digits.mts';
import { type NamedShapes, prefixed, stateDict, towerRows } from '../test/support/layout-names.mts';
import { writeSafetensors } from '../test/support/safetensors-writer.mts';
import { adapterShapes, llamaConfig, llamaShapes } from '../test/support/text-names.mts';
import { writeTorch } from '../test/support/torch-writer.mts';
import { writeTinyTokenizer } from './synthetic/tokenizer.mts';

const seeds = join(import.meta.dirname, '../test/fuzz/seeds');
const fixtures = join(import.meta.dirname, '../test/fixtures/checkpoints');
const SIZE = { D: 2, H: 3, E: 2, P: 1, N: 2, layers: 1 };
const TOWERS = {
  eva02: prefixed('visual.', stateDict(towerRows('eva02', SIZE), 0)),
  clip: stateDict(towerRows('clip_vit', SIZE), 0),
  siglip2: stateDict(towerRows('siglip2', { ...SIZE, N: 1 }), 0),
};
const LLAMA = {
  ...{ vocabulary: 3, width: 2, layers: 1, heads: 1, kvHeads: 1 },
  ...{ headDim: 2, hidden: 3 },
};
const LAYER = 'base_model.model.layers.0.self_attn.q_proj';
const TEXT = {
  adapter: { ...prefixed('text.text_adaptor.', adapterShapes(2, 2)), logit_scale: [] },
  llama: prefixed('model.', llamaShapes(LLAMA)),
  lora: { [`${LAYER}.lora_A.weight`]: [1, 2], [`${LAYER}.lora_B.weight`]: [2, 1] },
};
const LLAMA3 = {
  ...{ rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 },
  original_max_position_embeddings: 8192,
};
const llamaJson = { ...llamaConfig(LLAMA), rope_scaling: LLAMA3 };
const loraJson = { peft_type: 'LORA', r: 1, lora_alpha: 2, target_modules: ['q_proj'] };

mkdirSync(seeds, { recursive: true });
for (const [name, shapes] of Object.entries<NamedShapes>({ ...TOWERS, ...TEXT })) {
  const tensors = Object.entries(shapes).map(([tensor, shape]) => ({
    name: tensor,
    dtype: 'bf16' as const,
    shape,
    data: new Uint8Array(2 * shape.reduce((a, b) => a * b, 1)),
  }));
  writeSafetensors(join(seeds, `${name}.safetensors`), tensors);
  writeTorch(join(seeds, `${name}.pt`), tensors, { wrap: 'model', zip64: name === 'clip' });
}
for (const kind of ['legacy-2', 'legacy-4']) {
  copyFileSync(join(fixtures, `beside-${kind}.pt`), join(seeds, `beside-${kind}.pt`));
}
for (const file of ['odd-2', 'odd-4', 'beside-zip-2', 'beside-zip-5']) {
  copyFileSync(join(fixtures, `${file}.pt`), join(seeds, `${file}.pt`));
}
const vision = { hidden_size: 2, num_attention_heads: 1, num_hidden_layers: 1, patch_size: 1 };
writeFileSync(join(seeds, 'llama.json'), JSON.stringify(llamaJson));
writeFileSync(join(seeds, 'lora.json'), JSON.stringify(loraJson));
writeFileSync(
  join(seeds, 'hugging-face.json'),
  JSON.stringify({ vision_config: vision, projection_dim: 2 }),
);
const openClip = { width: 2, head_width: 2, layers: 1, patch_size: 1, image_size: 1 };
const preprocess = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], interpolation: 'bicubic' };
writeFileSync(
  join(seeds, 'open-clip.json'),
  JSON.stringify({ embed_dim: 2, vision_cfg: openClip, preprocess_cfg: preprocess }),
);
const weightMap = { a: 'one.safetensors', b: 'one.safetensors', c: 'two.safetensors' };
writeFileSync(join(seeds, 'shards.index'), JSON.stringify({ metadata: {}, weight_map: weightMap }));
const processor = {
  ...{
    size: { shortest_edge: 1 },
    crop_size: { height: 1, width: 1 },
    resample: 3,
    do_resize: true,
  },
  ...{ image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5], rescale_factor: 1 / 255 },
};
writeFileSync(join(seeds, 'clip.processor'), JSON.stringify(processor));
const convNext = {
  ...{ image_processor_type: 'ConvNextImageProcessor', size: { shortest_edge: 1 } },
  ...{ crop_pct: 0.875, resample: 2, do_normalize: false },
};
writeFileSync(join(seeds, 'conv-next.processor'), JSON.stringify({ image_processor: convNext }));
const pretrained = {
  ...{ input_size: [3, 1, 1], interpolation: 'bilinear', crop_pct: 0.9, crop_mode: 'squash' },
  ...{ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
};
writeFileSync(
  join(seeds, 'timm.json'),
  JSON.stringify({ architecture: 'eva02', pretrained_cfg: pretrained }),
);

const scratch = mkdtempSync(join(tmpdir(), 'llm2clip-seeds-'));
writeTinyTokenizer(scratch, ['a', 'photo', 'of']);
copyFileSync(join(scratch, 'tokenizer.json'), join(seeds, 'tiny.tokenizer'));

await convert(CHECKPOINT, { out: join(scratch, 'bundle'), llm: LLM });
const manifest = JSON.parse(readFileSync(join(scratch, 'bundle/llm2clip.json'), 'utf8'));
writeFileSync(join(seeds, 'whole.manifest'), JSON.stringify(manifest));
const quantised = { ...manifest, precision: 'int8', quantisation: QUANTISATION };
writeFileSync(join(seeds, 'int8.manifest'), JSON.stringify(quantised));

const entry = { path: 'a.jpg', bytes: 12, modifiedMs: 1.5 };
const extra = {
  bundle: { path: 'bundle', digest: 'abc' },
  pictures: [entry, { ...entry, path: 'b.jpg', error: { code: 'ERR_IO', message: 'gone' } }],
  gone: ['c.jpg'],
};
writeFileSync(join(seeds, 'images.note'), JSON.stringify({ ids: ['a.jpg', 'b.jpg'], extra }));
writeFileSync(join(seeds, 'ids.note'), JSON.stringify({ ids: ['a', 'b'], removed: ['c'] }));
for (const storage of ['fp32', 'fp16', 'int8'] as const) {
  await using index = VectorIndex.create({ dim: 2, storage });
  await index.add(Float32Array.of(1, 0, 0, 1), ['a', 'b']);
  await index.save(join(seeds, `${storage}.vectors`));
}
rmSync(scratch, { recursive: true });
