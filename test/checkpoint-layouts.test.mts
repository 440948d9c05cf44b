import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { resolveModel } from '#lib/checkpoint/layouts/index';
import { readCheckpoint } from '#lib/checkpoint/read';
import type { TensorEntry } from '#lib/checkpoint/table';
import type { ErrorCode } from '#lib/errors';
import { throwsWith } from './support/checkpoint-errors.mts';
import { statedFile, tableOf } from './support/checkpoint-table.mts';
import {
  fusedAttention,
  type NamedShapes,
  prefixed,
  type Row,
  stateDict,
  towerRows,
} from './support/layout-names.mts';
import { writeSafetensors } from './support/safetensors-writer.mts';
import { temporaryFolder } from './support/temporary.mts';
import { tensorValues } from './support/tensor-values.mts';
import { writeTorch } from './support/torch-writer.mts';

const folder = temporaryFolder();
const SMALL = { D: 64, H: 170, E: 32, P: 14, N: 5, layers: 2 };
const EVA02_ROWS = towerRows('eva02', SMALL);
const CLIP_ROWS = towerRows('clip_vit', { ...SMALL, H: 256 });
const SIGLIP2_ROWS = towerRows('siglip2', { ...SMALL, D: 144, H: 538, N: 4 });
const OFFICIAL = prefixed('visual.', stateDict(EVA02_ROWS, 0));
const CLIP = stateDict(CLIP_ROWS, 0);
const SIGLIP2 = stateDict(SIGLIP2_ROWS, 0);

const EVA02_CONFIG = {
  family: 'eva02',
  imageSize: 28,
  patchSize: 14,
  width: 64,
  layers: 2,
  heads: 1,
  hidden: 170,
  embeddingDim: 32,
  activation: 'swiglu',
  layerNormEps: 1e-6,
  ropeGrid: 16,
};
const CLIP_CONFIG = {
  ...EVA02_CONFIG,
  family: 'clip_vit',
  hidden: 256,
  activation: 'quick_gelu',
  layerNormEps: 1e-5,
  ropeGrid: 0,
};
const SIGLIP2_CONFIG = {
  ...EVA02_CONFIG,
  family: 'siglip2',
  width: 144,
  heads: 2,
  hidden: 538,
  embeddingDim: 144,
  activation: 'gelu_tanh',
  ropeGrid: 0,
};

const configOf = (shapes: NamedShapes, config?: Record<string, unknown>) =>
  resolveModel(tableOf(shapes, config && { stated: [statedFile('config.json', config)] })).config;

function without(shapes: NamedShapes, pattern: RegExp): NamedShapes {
  return Object.fromEntries(Object.entries(shapes).filter(([name]) => !pattern.test(name)));
}

describe('every layout', () => {
  const hf = (rename: (name: string) => string) =>
    Object.fromEntries(Object.entries(stateDict(EVA02_ROWS, 2)).map(([k, v]) => [rename(k), v]));
  const layouts: [string, Row[], NamedShapes, object, string][] = [
    ['official EVA02', EVA02_ROWS, OFFICIAL, EVA02_CONFIG, 'EVA02, official'],
    ['bare official EVA02', EVA02_ROWS, stateDict(EVA02_ROWS, 0), EVA02_CONFIG, 'EVA02, official'],
    [
      'EVA02 under module.',
      EVA02_ROWS,
      prefixed('module.', OFFICIAL),
      EVA02_CONFIG,
      'EVA02, official',
    ],
    [
      'older EVA-CLIP',
      EVA02_ROWS,
      prefixed('visual.', stateDict(fusedAttention(EVA02_ROWS), 0)),
      EVA02_CONFIG,
      'EVA02, official',
    ],
    ['timm EVA02', EVA02_ROWS, stateDict(EVA02_ROWS, 1), EVA02_CONFIG, 'EVA02, timm'],
    [
      'open_clip EVA02',
      EVA02_ROWS,
      prefixed('visual.trunk.', stateDict(EVA02_ROWS, 1)),
      EVA02_CONFIG,
      'EVA02, timm',
    ],
    ['EvaCLIP', EVA02_ROWS, stateDict(EVA02_ROWS, 2), EVA02_CONFIG, 'EVA02, Hugging Face'],
    [
      'EvaCLIP with other names',
      EVA02_ROWS,
      hf((name) =>
        name.replace('inner_attn_ln', 'inner_self_attn_ln').replace(/mlp\.w(\d)/, 'mlp.fc$1'),
      ),
      EVA02_CONFIG,
      'EVA02, Hugging Face',
    ],
    ['OpenAI CLIP', CLIP_ROWS, CLIP, CLIP_CONFIG, 'OpenAI CLIP, Hugging Face'],
    ['timm SigLIP2', SIGLIP2_ROWS, SIGLIP2, SIGLIP2_CONFIG, 'SigLIP2, timm'],
    [
      'open_clip SigLIP2',
      SIGLIP2_ROWS,
      prefixed('visual.trunk.', SIGLIP2),
      SIGLIP2_CONFIG,
      'SigLIP2, timm',
    ],
  ];
  for (const [what, rows, shapes, config, layout] of layouts) {
    it(`${what}: exactly the canonical names and shapes`, () => {
      const model = resolveModel(tableOf(shapes));
      assert.equal(model.layout, layout);
      assert.deepEqual(model.config, config);
      assert.deepEqual(model.ignored, []);
      const found = Object.fromEntries(model.weights.map(({ name, entry }) => [name, entry.shape]));
      assert.deepEqual(found, Object.fromEntries(rows.map((row) => [row.canonical, row.shape])));
    });
  }

  const sources: [string, Row[], number][] = [
    ['official', EVA02_ROWS, 0],
    ['timm', EVA02_ROWS, 1],
    ['Hugging Face', EVA02_ROWS, 2],
    ['OpenAI CLIP', CLIP_ROWS, 0],
    ['SigLIP2', SIGLIP2_ROWS, 0],
  ];
  for (const [what, rows, column] of sources) {
    it(`${what}: each weight from the tensor that the table names`, () => {
      const { weights } = resolveModel(tableOf(stateDict(rows, column)));
      const found = new Map(weights.map(({ name, entry }) => [name, entry.name]));
      for (const { canonical, names } of rows) assert.equal(found.get(canonical), names[column]);
    });
  }

  it('agrees with the state dicts of timm and transformers themselves', () => {
    const path = join(import.meta.dirname, 'fixtures/checkpoints/names.json');
    const real = JSON.parse(readFileSync(path, 'utf8'));
    assert.deepEqual(stateDict(EVA02_ROWS, 1), real['eva02-timm']);
    assert.deepEqual(SIGLIP2, real['siglip2-timm']);
    assert.deepEqual(CLIP, without(real['clip-transformers'], /position_ids/));
  });

  it('sees 304,957,632 parameters in EVA02-L/14@336', () => {
    const size = { D: 1024, H: 2730, E: 1280, P: 14, N: 577, layers: 24 };
    const shapes = prefixed('visual.', stateDict(towerRows('eva02', size), 0));
    const { weights, config } = resolveModel(tableOf(shapes));
    const elements = weights.map(({ entry }) => entry.shape.reduce((a, b) => a * b));
    assert.equal(
      elements.reduce((a, b) => a + b),
      304_957_632,
    );
    assert.equal(config.imageSize, 336);
    assert.equal(config.heads, 16);
  });

  it('gives So400m 16 heads of 72', () => {
    const size = { D: 1152, H: 4304, E: 0, P: 14, N: 256, layers: 27 };
    assert.equal(configOf(stateDict(towerRows('siglip2', size), 0)).heads, 16);
  });
});

describe('views', () => {
  const D = 64;
  const numbers = (count: number, first = 0) =>
    new Uint8Array(Float32Array.from({ length: count }, (_, i) => first + i).buffer);
  const weight = (model: ReturnType<typeof resolveModel>, name: string): TensorEntry => {
    const found = model.weights.find((candidate) => candidate.name === name);
    assert.ok(found, name);
    return found.entry;
  };

  for (const format of ['safetensors', 'torch'] as const) {
    it(`splits a fused projection of a ${format} file into its thirds`, async () => {
      const path = join(folder, `fused.${format}`);
      const tensors = Object.entries(SIGLIP2).map(([name, shape]) => ({
        name,
        dtype: 'f32' as const,
        shape,
        data: numbers(shape.reduce((a, b) => a * b, 1)),
      }));
      if (format === 'torch') writeTorch(path, tensors);
      else writeSafetensors(path, tensors);
      const model = resolveModel(await readCheckpoint(path));
      const width = 144;
      for (const [i, part] of ['q', 'k', 'v'].entries()) {
        const values = tensorValues(weight(model, `blocks.1.attn.${part}_proj.weight`));
        assert.equal(values.length, width * width);
        assert.equal(values[0], i * width * width);
        assert.equal(values.at(-1), (i + 1) * width * width - 1);
        const bias = tensorValues(weight(model, `blocks.1.attn.${part}_proj.bias`));
        assert.deepEqual([bias[0], bias.at(-1)], [i * width, (i + 1) * width - 1]);
      }
    });
  }

  it('splits a transposed fused projection', () => {
    const table = tableOf(prefixed('visual.', stateDict(fusedAttention(EVA02_ROWS), 0)));
    const fused = table.tensors.find(({ name }) => name === 'visual.blocks.0.attn.qkv.weight');
    assert.ok(fused);
    fused.strides = [1, 3 * D];
    const entry = weight(resolveModel(table), 'blocks.0.attn.k_proj.weight');
    assert.deepEqual(entry.strides, [1, 3 * D]);
    assert.equal(entry.offset - fused.offset, 4 * D);
  });

  it('adds the leading ones that Hugging Face leaves out', () => {
    const model = resolveModel(tableOf(CLIP));
    const positions = weight(model, 'pos_embed');
    assert.deepEqual(
      [positions.shape, positions.strides],
      [
        [1, 5, D],
        [5 * D, D, 1],
      ],
    );
    assert.deepEqual(weight(model, 'cls_token').shape, [1, 1, D]);
  });
});

it('ignores the text side and recomputed buffers', () => {
  const extra: NamedShapes = {
    logit_scale: [],
    logit_bias: [],
    'text.text_adaptor.0.ln.weight': [8],
    'text_model.encoder.layers.0.layer_norm1.weight': [8],
    'text_adapter.adaptor.0.fn.0.weight': [8, 8],
    'text_projection.weight': [8, 8],
    'visual.rope.freqs_cos': [4, 64],
    'visual.blocks.0.attn.rope.freqs_sin': [4, 64],
  };
  assert.deepEqual(resolveModel(tableOf({ ...OFFICIAL, ...extra })).ignored, Object.keys(extra));
  const positionIds = { 'vision_model.embeddings.position_ids': [1, 5] };
  const { ignored } = resolveModel(tableOf({ ...CLIP, ...positionIds }));
  assert.deepEqual(ignored, Object.keys(positionIds));
});

describe('a mismatch names the tensor', () => {
  for (const [what, shapes] of Object.entries({ EVA02: OFFICIAL, CLIP, SigLIP2: SIGLIP2 })) {
    it(`whichever is missing, ${what}`, () => {
      for (const name of Object.keys(shapes)) {
        const { [name]: _, ...rest } = shapes;
        const run = () => resolveModel(tableOf(rest));
        throwsWith(run, 'ERR_CHECKPOINT_MISMATCH', new RegExp(`lacks tensor "${name}"`));
      }
    });

    it(`whichever is misshapen, ${what}`, () => {
      for (const [name, [first = 1, ...others]] of Object.entries(shapes)) {
        // Only these tensors state some of the sizes, so any size is consistent.
        if (/position_embedding/.test(name) || name === 'visual_projection.weight') continue;
        const run = () => resolveModel(tableOf({ ...shapes, [name]: [first + 1, ...others] }));
        throwsWith(run, 'ERR_CHECKPOINT_MISMATCH', new RegExp(`"${name}"`));
      }
    });

    it(`whichever is of integers, ${what}`, () => {
      for (const i of Object.keys(shapes).keys()) {
        const table = tableOf(shapes);
        const entry = table.tensors[i];
        assert.ok(entry);
        entry.dtype = 'i64';
        const pattern = new RegExp(`"${entry.name}".*has type i64, expected one of`);
        throwsWith(() => resolveModel(table), 'ERR_CHECKPOINT_UNSUPPORTED', pattern);
      }
    });
  }

  const cases: [string, NamedShapes, RegExp][] = [
    [
      'one unknown',
      { ...OFFICIAL, 'visual.extra': [1] },
      /holds tensor "visual\.extra" that a model/,
    ],
    [
      'three unknown',
      { ...OFFICIAL, 'visual.x': [1], 'visual.y': [1], z: [1] },
      /"visual\.x" and 2 others/,
    ],
    [
      'a bias where there is none',
      { ...OFFICIAL, 'visual.blocks.0.attn.k_proj.bias': [64] },
      /"visual\.blocks\.0\.attn\.k_proj\.bias"/,
    ],
    [
      'a block left out',
      { ...OFFICIAL, 'visual.blocks.7.norm1.weight': [64] },
      /lacks tensor "visual\.blocks\.2\.norm1\.weight"/,
    ],
    [
      'a block far out',
      { ...OFFICIAL, 'visual.blocks.9999.norm1.weight': [64] },
      /lacks tensor "visual\.blocks\.2\.norm1\.weight" and \d+ others/,
    ],
    [
      'a block beyond counting',
      { ...OFFICIAL, 'visual.blocks.99999999999999999999.norm1.weight': [64] },
      /holds tensor "visual\.blocks\.9{20}\.norm1\.weight"/,
    ],
    [
      'both fused and split attention',
      { ...OFFICIAL, 'visual.blocks.0.attn.qkv.weight': [192, 64] },
      /"visual\.blocks\.0\.attn\.qkv\.weight"/,
    ],
    [
      'the same under two prefixes',
      { ...OFFICIAL, 'module.visual.norm.bias': [64] },
      /two tensors/,
    ],
    ['positions that are no square', { ...OFFICIAL, 'visual.pos_embed': [1, 6, 64] }, /6 rows/],
    ['an empty embedding', { ...CLIP, 'visual_projection.weight': [0, 64] }, /projection.*empty/],
    ['a width of 0', Object.fromEntries(Object.keys(CLIP).map((k) => [k, [0]])), /"vision_model/],
    [
      'a width without a number of heads',
      stateDict(towerRows('clip_vit', { ...SMALL, D: 65 }), 0),
      /width of 65.*num_attention_heads/,
    ],
  ];
  for (const [what, shapes, pattern] of cases) {
    it(what, () =>
      throwsWith(() => resolveModel(tableOf(shapes)), 'ERR_CHECKPOINT_MISMATCH', pattern),
    );
  }
});

describe('models that are not supported', () => {
  const rms = (shapes: NamedShapes) => without(shapes, /(norm\d?|ln|layernorm|layrnorm)\.bias$/);
  const cases: [string, NamedShapes, RegExp][] = [
    ['EVA-CLIP-8B, Hugging Face', rms(without(CLIP, /pre_layrnorm/)), /RMSNorm/],
    [
      'EVA-CLIP-18B, official',
      rms(
        without(prefixed('visual.', stateDict(fusedAttention(EVA02_ROWS), 0)), /w2|inner_attn_ln/),
      ),
      /RMSNorm/,
    ],
    ['text alone', { 'text.text_adaptor.0.ln.weight': [8], logit_scale: [] }, /text side alone/],
    [
      'a language model',
      { 'model.embed_tokens.weight': [8, 8], 'model.norm.weight': [8] },
      /language model/,
    ],
    ['a LoRA adapter', { 'base_model.model.layers.0.q_proj.lora_A.weight': [8, 8] }, /LoRA/],
    [
      "OpenAI's own layout",
      { 'visual.transformer.resblocks.0.ln_1.weight': [8], 'visual.proj': [8, 8] },
      /original layout/,
    ],
    ['nothing', {}, /no tensors/],
    ['something else', { 'conv1.weight': [8, 3, 3, 3] }, /not supported. Known are: EVA02/],
    ['EVA01', without(OFFICIAL, /w\d|ffn_ln|inner_attn_ln|[qkv]_proj/), /closest, EVA02, official/],
  ];
  for (const [what, shapes, pattern] of cases) {
    it(what, () =>
      throwsWith(() => resolveModel(tableOf(shapes)), 'ERR_CHECKPOINT_UNSUPPORTED', pattern),
    );
  }
});

describe('a configuration', () => {
  const hf = (vision: object, root: object = {}) => ({ ...root, vision_config: vision });
  const openClip = (vision: object, root: object = {}) => ({ ...root, vision_cfg: vision });

  it('of Hugging Face decides what shapes do not show', () => {
    const vision = {
      ...{ hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 256 },
      ...{ image_size: 28, patch_size: 14, layer_norm_eps: 1e-3, hidden_act: 'gelu' },
    };
    const expected = { ...CLIP_CONFIG, heads: 4, layerNormEps: 1e-3, activation: 'gelu' };
    assert.deepEqual(configOf(CLIP, hf(vision, { projection_dim: 32 })), expected);
    assert.deepEqual(configOf(CLIP, { ...vision, projection_dim: 32 }), expected);
  });

  it('of open_clip decides what shapes do not show', () => {
    const vision = { width: 64, head_width: 16, layers: 2, patch_size: 14, image_size: [28, 28] };
    const config = openClip({ ...vision, mlp_ratio: 2.6667, pt_hw_seq_len: 8 }, { embed_dim: 32 });
    const expected = { ...EVA02_CONFIG, heads: 4, ropeGrid: 8 };
    assert.deepEqual(configOf(OFFICIAL, config), expected);
    assert.deepEqual(configOf(OFFICIAL, { model_cfg: config }), expected);
    assert.equal(configOf(CLIP, { ...openClip({}), quick_gelu: false }).activation, 'gelu');
  });

  it('may call the activation of EVA02 anything, and give its hidden size before gating', () => {
    const config = hf({ hidden_act: 'gelu', intermediate_size: 256 });
    assert.deepEqual(configOf(OFFICIAL, config), EVA02_CONFIG);
  });

  it('may state several embedding sizes if one is right', () => {
    const config = hf({ projection_dim: 768 }, { projection_dim: 32 });
    assert.equal(configOf(CLIP, config).embeddingDim, 32);
  });

  it('about other things is ignored', () => {
    assert.deepEqual(
      configOf(CLIP, { architecture: 'x', text_config: { hidden_size: 3 } }),
      CLIP_CONFIG,
    );
  });

  const wrong: [string, Record<string, unknown>, ErrorCode, RegExp][] = [
    [
      'another width',
      hf({ hidden_size: 128 }),
      'ERR_CHECKPOINT_MISMATCH',
      /"hidden_size" is 128.*64/,
    ],
    ['other layers', openClip({ layers: 3 }), 'ERR_CHECKPOINT_MISMATCH', /"layers" is 3.*say 2/],
    ['another hidden size', hf({ intermediate_size: 1 }), 'ERR_CHECKPOINT_MISMATCH', /256/],
    ['another ratio', openClip({ mlp_ratio: 2 }), 'ERR_CHECKPOINT_MISMATCH', /"mlp_ratio" is 2/],
    ['another patch', hf({ patch_size: 16 }), 'ERR_CHECKPOINT_MISMATCH', /"patch_size" is 16.*14/],
    [
      'another image',
      hf({ image_size: 224 }),
      'ERR_CHECKPOINT_MISMATCH',
      /"image_size" is 224.*28/,
    ],
    ['another embedding', { embed_dim: 768 }, 'ERR_CHECKPOINT_MISMATCH', /"embed_dim" is 768.*32/],
    ['heads that do not divide', hf({ num_attention_heads: 7 }), 'ERR_CHECKPOINT_MISMATCH', /is 7/],
    ['a gated activation', hf({ hidden_act: 'silu' }), 'ERR_CHECKPOINT_MISMATCH', /gated/],
    ['an unknown activation', hf({ hidden_act: 'tanh' }), 'ERR_CHECKPOINT_UNSUPPORTED', /"tanh"/],
    [
      'a property of objects',
      hf({ hidden_act: 'toString' }),
      'ERR_CHECKPOINT_UNSUPPORTED',
      /toString/,
    ],
    ['a text for a number', hf({ hidden_size: '64' }), 'ERR_CHECKPOINT_FORMAT', /hidden_size/],
    ['an oblong image', hf({ image_size: [28, 14] }), 'ERR_CHECKPOINT_FORMAT', /image_size/],
    ['a fraction', hf({ hidden_size: 64.5 }), 'ERR_CHECKPOINT_FORMAT', /positive integer/],
  ];
  for (const [what, config, code, pattern] of wrong) {
    it(`is refused with ${what}`, () => throwsWith(() => configOf(CLIP, config), code, pattern));
  }
});
