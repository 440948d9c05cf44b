import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { encodeFloats } from '#lib/checkpoint/floats';
import { resolveModel } from '#lib/checkpoint/layouts/index';
import { readLogitScale } from '#lib/checkpoint/logit-scale';
import { readCheckpoint } from '#lib/checkpoint/read';
import { resolveAdapter } from '#lib/checkpoint/resolve-adapter';
import { resolveLlama } from '#lib/checkpoint/resolve-llama';
import type { ErrorCode } from '#lib/errors';
import { rejectsWith, throwsWith } from './support/checkpoint-errors.mts';
import { statedFile, tableOf } from './support/checkpoint-table.mts';
import { type NamedShapes, prefixed, stateDict, towerRows } from './support/layout-names.mts';
import { writeSafetensors } from './support/safetensors-writer.mts';
import { temporaryFolder } from './support/temporary.mts';
import {
  ADAPTER_PREFIXES,
  adapterShapes,
  llamaConfig,
  llamaShapes,
} from './support/text-names.mts';
import { writeTorch } from './support/torch-writer.mts';

const folder = temporaryFolder();
const ADAPTER = adapterShapes(8, 6);
const OFFICIAL = prefixed(ADAPTER_PREFIXES.official, ADAPTER);
const LLAMA_SIZE = {
  ...{ vocabulary: 40, width: 16, layers: 2, heads: 4, kvHeads: 2 },
  ...{ headDim: 4, hidden: 24 },
};
const LLAMA = llamaShapes(LLAMA_SIZE);
const CONFIG = llamaConfig(LLAMA_SIZE);

const parameters = (weights: { entry: { shape: number[] } }[]) =>
  weights.reduce((sum, { entry }) => sum + entry.shape.reduce((a, b) => a * b, 1), 0);

function zeros(shapes: NamedShapes) {
  return Object.entries(shapes).map(([name, shape]) => ({
    name,
    dtype: 'bf16' as const,
    shape,
    data: new Uint8Array(2 * shape.reduce((a, b) => a * b, 1)),
  }));
}

/** Returns the shapes with some of them removed or replaced. */
function changed(shapes: NamedShapes, change: Record<string, number[] | undefined>): NamedShapes {
  const entries = Object.entries({ ...shapes, ...change });
  return Object.fromEntries(entries.filter((entry) => entry[1] !== undefined)) as NamedShapes;
}

describe('the adapter', () => {
  for (const [what, prefix] of Object.entries(ADAPTER_PREFIXES)) {
    it(`${what}: exactly the canonical names and shapes`, () => {
      const adapter = resolveAdapter(tableOf(prefixed(prefix, ADAPTER)));
      assert.ok(adapter);
      assert.match(adapter.layout, new RegExp(what));
      assert.deepEqual(adapter.config, {
        ...{ width: 8, layers: 4, hidden: 16, embeddingDim: 6 },
        ...{ normalizesInput: what !== 'SigLIP2', layerNormEps: 1e-5 },
      });
      const found = adapter.weights.map(({ name, entry }) => [name, entry.name]);
      const block = (i: number) =>
        [
          ['norm', 'ln'],
          ['fc1', 'fn.0'],
          ['fc2', 'fn.3'],
        ].map(([canonical, name]) => [`blocks.${i}.${canonical}`, `${i}.${name}`]);
      const modules = [...[0, 1, 2, 3].flatMap(block), ['norm', '4'], ['head', '5']];
      const expected = modules.flatMap(([canonical, name]) =>
        ['weight', 'bias'].map((part) => [`${canonical}.${part}`, `${prefix}${name}.${part}`]),
      );
      assert.deepEqual(found, expected);
    });
  }

  it('has the published number of parameters', () => {
    for (const [d, count] of [
      [4096, 273_769_728],
      [2048, 69_776_640],
    ] as const) {
      const adapter = resolveAdapter(
        tableOf(prefixed('text_adapter.adaptor.', adapterShapes(d, 1280))),
      );
      assert.equal(parameters(adapter?.weights ?? []), count);
    }
  });

  it('is found beside the vision tower in one file, and neither disturbs the other', async () => {
    const size = { D: 64, H: 170, E: 6, P: 14, N: 5, layers: 2 };
    const tower = prefixed('visual.', stateDict(towerRows('eva02', size), 0));
    const path = join(folder, 'both.pt');
    const both = { ...tower, ...OFFICIAL, logit_scale: [] };
    writeTorch(path, zeros(both), { wrap: 'module', prefix: 'module.' });
    const table = await readCheckpoint(path);
    const adapter = resolveAdapter(table);
    assert.equal(adapter?.weights.length, Object.keys(ADAPTER).length);
    assert.equal(adapter.logitScale?.name, 'module.logit_scale');
    const model = resolveModel(table);
    assert.equal(model.weights.length, Object.keys(tower).length);
    assert.equal(model.ignored.length, Object.keys(OFFICIAL).length + 1);
  });

  it('has a scale, which the checkpoint keeps as a logarithm', async () => {
    const scaleOf = async (value: number, dtype: 'f32' | 'f16', shape: number[]) => {
      const data = encodeFloats(Float32Array.of(value), dtype);
      const path = join(folder, 'scale.safetensors');
      writeSafetensors(path, [...zeros(OFFICIAL), { name: 'logit_scale', dtype, shape, data }]);
      const adapter = resolveAdapter(await readCheckpoint(path));
      assert.ok(adapter?.logitScale);
      return readLogitScale(adapter.logitScale);
    };
    assert.ok(Math.abs((await scaleOf(Math.log(100), 'f32', [])) - 100) < 1e-4);
    assert.ok(Math.abs((await scaleOf(Math.log(100), 'f16', [1])) - 100) < 0.2);
    await rejectsWith(scaleOf(Number.NaN, 'f32', []), 'ERR_CHECKPOINT_NONFINITE', /logit_scale/);
  });

  it('may be absent', () => {
    assert.equal(
      resolveAdapter(tableOf({ 'visual.cls_token': [1, 1, 8], logit_scale: [] })),
      undefined,
    );
    assert.equal(resolveAdapter(tableOf(OFFICIAL))?.logitScale, undefined);
  });

  const faults: [string, Record<string, number[] | undefined>, RegExp][] = [
    [
      'missing',
      { 'text.text_adaptor.2.fn.3.bias': undefined },
      /lacks tensor "text\.text_adaptor\.2\.fn\.3\.bias"/,
    ],
    ['extra', { 'text.text_adaptor.6.weight': [6, 6] }, /text_adaptor\.6\.weight/],
    ['misshapen', { 'text.text_adaptor.0.fn.0.weight': [15, 8] }, /\[15,8\], expected \[16,8\]/],
    ['of another width', { 'text.text_adaptor.5.weight': [6, 9] }, /\[6,9\], expected \[6,8\]/],
    ['no number', { logit_scale: [2] }, /logit_scale/],
  ];
  for (const [what, change, pattern] of faults) {
    it(`names a tensor that is ${what}`, () => {
      const table = tableOf(changed(OFFICIAL, change));
      throwsWith(() => resolveAdapter(table), 'ERR_CHECKPOINT_MISMATCH', pattern);
    });
  }

  it('refuses integer weights', () => {
    const table = tableOf(OFFICIAL);
    const [first] = table.tensors;
    assert.ok(first);
    first.dtype = 'i8';
    throwsWith(() => resolveAdapter(table), 'ERR_CHECKPOINT_UNSUPPORTED', /has type i8/);
  });
});

describe('the language model', () => {
  const resolve = (shapes: NamedShapes, config: Record<string, unknown> | undefined = CONFIG) =>
    resolveLlama(tableOf(shapes, config && { stated: [statedFile('config.json', config)] }));

  for (const prefix of ['', 'model.', 'base_model.model.', 'base_model.model.model.']) {
    it(`under "${prefix}": the names that transformers gives`, () => {
      const more = { 'lm_head.weight': [40, 16], [`${prefix}rotary_emb.inv_freq`]: [2] };
      const { weights, ignored, config } = resolve({ ...prefixed(prefix, LLAMA), ...more });
      const found = Object.fromEntries(weights.map(({ name, entry }) => [name, entry.shape]));
      assert.deepEqual(found, LLAMA);
      assert.deepEqual(ignored, Object.keys(more));
      assert.deepEqual(config, {
        ...{ vocabularySize: 40, width: 16, layers: 2, heads: 4, kvHeads: 2, headDim: 4 },
        ...{ hidden: 24, ropeTheta: 500_000, ropeScaling: null, rmsNormEps: 1e-5 },
      });
    });
  }

  it('of the published sizes', () => {
    const of = (width: number, layers: number, hidden: number) => {
      const heads = { heads: 32, kvHeads: 8, headDim: width / 32 };
      const size = { vocabulary: 128_256, width, layers, hidden, ...heads };
      return parameters(resolve(llamaShapes(size), llamaConfig(size)).weights);
    };
    // Without the output layer over the vocabulary, which the 1B model shares with its embeddings.
    assert.equal(of(4096, 32, 14_336), 8_030_261_248 - 128_256 * 4096);
    assert.equal(of(2048, 16, 8192), 1_235_814_400);
  });

  const llama3 = {
    ...{ factor: 32, low_freq_factor: 1, high_freq_factor: 4 },
    original_max_position_embeddings: 8192,
  };
  const scaling = { factor: 32, lowFreqFactor: 1, highFreqFactor: 4, originalPositions: 8192 };

  it("with RoPE scaling, in the old and the new form of transformers' configuration", () => {
    const configs = [
      { ...CONFIG, rope_scaling: { rope_type: 'llama3', ...llama3 } },
      { ...CONFIG, rope_scaling: { type: 'llama3', ...llama3 } },
      {
        ...CONFIG,
        rope_theta: undefined,
        rope_scaling: undefined,
        rope_parameters: { rope_type: 'llama3', rope_theta: 500_000, ...llama3 },
      },
    ];
    for (const config of configs) {
      const found = resolve(LLAMA, config).config;
      assert.deepEqual([found.ropeScaling, found.ropeTheta], [scaling, 500_000]);
    }
    const plain = { ...CONFIG, rope_parameters: { rope_type: 'default', rope_theta: 1e4 } };
    const found = resolve(LLAMA, plain).config;
    assert.deepEqual([found.ropeScaling, found.ropeTheta], [null, 1e4]);
  });

  it('with an explicit head width, or as many key heads as query heads', () => {
    const size = { ...LLAMA_SIZE, kvHeads: 4, headDim: 6 };
    const config = { ...llamaConfig(size), head_dim: 6, num_key_value_heads: undefined };
    assert.equal(resolve(llamaShapes(size), config).config.kvHeads, 4);
  });

  const wrong: [string, Record<string, unknown>, ErrorCode, RegExp][] = [
    ['width', { hidden_size: undefined }, 'ERR_CHECKPOINT_FORMAT', /"hidden_size" .* missing/],
    ['theta', { rope_theta: '5e5' }, 'ERR_CHECKPOINT_FORMAT', /"rope_theta".*positive number/],
    ['eps', { rms_norm_eps: -1 }, 'ERR_CHECKPOINT_FORMAT', /"rms_norm_eps"/],
    ['heads', { num_attention_heads: 3.5 }, 'ERR_CHECKPOINT_FORMAT', /"num_attention_heads"/],
    ['head width', { num_attention_heads: 3 }, 'ERR_CHECKPOINT_FORMAT', /"head_dim"/],
    ['scaling', { rope_scaling: { rope_type: 'llama3' } }, 'ERR_CHECKPOINT_FORMAT', /"factor"/],
    ['other scaling', { rope_scaling: { type: 'yarn' } }, 'ERR_CHECKPOINT_UNSUPPORTED', /yarn/],
    ['model', { model_type: 'mistral' }, 'ERR_CHECKPOINT_UNSUPPORTED', /mistral/],
    ['activation', { hidden_act: 'gelu' }, 'ERR_CHECKPOINT_UNSUPPORTED', /gelu/],
    ['bias', { attention_bias: true }, 'ERR_CHECKPOINT_UNSUPPORTED', /attention_bias/],
    ['layers', { num_hidden_layers: 3 }, 'ERR_CHECKPOINT_MISMATCH', /is 3, .* say 2/],
    ['vocabulary', { vocab_size: 41 }, 'ERR_CHECKPOINT_MISMATCH', /is 41, .* say 40/],
    ['key heads', { num_key_value_heads: 4 }, 'ERR_CHECKPOINT_MISMATCH', /is 16, .* say 8/],
    ['hidden', { intermediate_size: 25 }, 'ERR_CHECKPOINT_MISMATCH', /intermediate_size/],
  ];
  for (const [what, change, code, pattern] of wrong) {
    it(`says what is wrong with its config.json (${what})`, () => {
      throwsWith(() => resolve(LLAMA, { ...CONFIG, ...change }), code, pattern);
    });
  }

  const faults: [string, Record<string, number[] | undefined>, RegExp][] = [
    [
      'missing',
      { 'layers.1.mlp.up_proj.weight': undefined },
      /lacks tensor "layers\.1\.mlp\.up_proj/,
    ],
    ['extra', { 'layers.0.self_attn.q_proj.bias': [16] }, /q_proj\.bias/],
    ['misshapen', { 'layers.0.mlp.down_proj.weight': [16, 23] }, /\[16,23\], expected \[16,24\]/],
  ];
  for (const [what, change, pattern] of faults) {
    it(`names a tensor that is ${what}`, () => {
      throwsWith(() => resolve(changed(LLAMA, change)), 'ERR_CHECKPOINT_MISMATCH', pattern);
    });
  }

  it('is not confused with other models', () => {
    throwsWith(() => resolve(OFFICIAL), 'ERR_CHECKPOINT_UNSUPPORTED', /no Llama/);
    throwsWith(() => resolveModel(tableOf(LLAMA)), 'ERR_CHECKPOINT_UNSUPPORTED', /language model/);
    throwsWith(() => resolveLlama(tableOf(LLAMA)), 'ERR_NOT_FOUND', /config\.json/);
  });

  it('is read from shards, with the config.json beside them', async () => {
    const path = join(folder, 'sharded');
    mkdirSync(path);
    const tensors = zeros(prefixed('model.', LLAMA));
    const shards = {
      'model-1.safetensors': tensors.slice(0, 7),
      'model-2.safetensors': tensors.slice(7),
    };
    const map: Record<string, string> = {};
    for (const [file, part] of Object.entries(shards)) {
      writeSafetensors(join(path, file), part);
      for (const { name } of part) map[name] = file;
    }
    const index = { metadata: {}, weight_map: map };
    writeFileSync(join(path, 'model.safetensors.index.json'), JSON.stringify(index));
    await rejectsWith(readCheckpoint(path).then(resolveLlama), 'ERR_NOT_FOUND', /config\.json/);
    writeFileSync(join(path, 'config.json'), JSON.stringify(CONFIG));
    const { weights } = resolveLlama(await readCheckpoint(path));
    const files = new Set(weights.map(({ entry }) => entry.file));
    assert.deepEqual(
      [...files].sort(),
      Object.keys(shards).map((name) => join(path, name)),
    );
  });
});
