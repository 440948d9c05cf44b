import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { encodeFloats, type FloatDtype, fromF16 } from '#lib/checkpoint/floats';
import { readLora, resolveLora } from '#lib/checkpoint/lora';
import { mergeLora } from '#lib/checkpoint/merge';
import { readCheckpoint } from '#lib/checkpoint/read';
import { resolveLlama } from '#lib/checkpoint/resolve-llama';
import type { ErrorCode } from '#lib/errors';
import { Random } from './fuzz/random.mts';
import { rejectsWith } from './support/checkpoint-errors.mts';
import { type NamedShapes, prefixed } from './support/layout-names.mts';
import { PickleWriter } from './support/pickle-writer.mts';
import { writeSafetensors } from './support/safetensors-writer.mts';
import { temporaryFolder } from './support/temporary.mts';
import type { TensorData } from './support/tensor-data.mts';
import { tensorValues } from './support/tensor-values.mts';
import { llamaConfig, llamaShapes } from './support/text-names.mts';
import { writeArchive, writeTorch } from './support/torch-writer.mts';

const folder = temporaryFolder();
const SIZE = {
  ...{ vocabulary: 10, width: 12, layers: 2, heads: 2, kvHeads: 1 },
  ...{ headDim: 6, hidden: 20 },
};
const LLAMA = llamaShapes(SIZE);
const RANK = 3;
const CONFIG = {
  peft_type: 'LORA',
  r: RANK,
  lora_alpha: 6,
  target_modules: ['q_proj', 'down_proj'],
};
const SCALE = 2;
const PREFIX = 'base_model.model.model.';
let made = 0;

const freshFolder = (): string => {
  const path = join(folder, String(made++));
  mkdirSync(path);
  return path;
};

/** Makes multiples of 1/64 below 4. They and the sums of their products are exact in every type. */
function numbers(shapes: NamedShapes, dtype: FloatDtype, seed: number): TensorData[] {
  const random = new Random(seed);
  return Object.entries(shapes).map(([name, shape]) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const values = Float32Array.from({ length: count }, () => (random.below(512) - 256) / 64);
    return { name, dtype, shape, data: encodeFloats(values, dtype) };
  });
}

/** Returns both factors of the update of these modules in every layer, with PEFT's names. */
function halves(targets = CONFIG.target_modules): NamedShapes {
  const linear = Object.entries(LLAMA).filter(([name]) =>
    targets.some((target) => name.endsWith(`.${target}.weight`)),
  );
  return Object.fromEntries(
    linear.flatMap(([name, [out = 0, input = 0]]) => {
      const layer = PREFIX + name.replace(/\.weight$/, '');
      return [
        [`${layer}.lora_A.weight`, [RANK, input]],
        [`${layer}.lora_B.weight`, [out, RANK]],
      ];
    }),
  );
}

function writeLora(config: object = CONFIG, tensors = numbers(halves(), 'f32', 2)): string {
  const path = freshFolder();
  writeFileSync(join(path, 'adapter_config.json'), JSON.stringify(config));
  writeSafetensors(join(path, 'adapter_model.safetensors'), tensors);
  return path;
}

async function llama(dtype: FloatDtype = 'f32', write = writeSafetensors) {
  const path = freshFolder();
  const file = join(path, write === writeSafetensors ? 'model.safetensors' : 'model.pt');
  write(file, numbers(prefixed('model.', LLAMA), dtype, 1));
  writeFileSync(join(path, 'config.json'), JSON.stringify(llamaConfig(SIZE)));
  return resolveLlama(await readCheckpoint(path)).weights;
}

describe('merging', () => {
  const formats = [
    ['f32', 'f32', writeSafetensors],
    ['f16', 'f32', writeSafetensors],
    ['bf16', 'bf16', writeSafetensors],
    ['bf16', 'f16', writeTorch],
  ] as const;
  for (const [from, dtype, write] of formats) {
    it(`adds scale · B · A to ${from} of ${write.name}, as ${dtype}`, async () => {
      const weights = await llama(from, write);
      const updates = resolveLora(await readLora(writeLora()), weights);
      assert.equal(updates.length, 4);
      const output = join(freshFolder(), 'merged.bin');
      const merged = await mergeLora(weights, updates, { output, dtype });
      assert.deepEqual(
        merged.map(({ name, entry }) => [name, entry.shape]),
        weights.map(({ name, entry }) => [name, entry.shape]),
      );
      for (const [i, { name, entry }] of merged.entries()) {
        const old = weights[i]?.entry;
        assert.ok(old);
        const update = updates.find((candidate) => candidate.name === name);
        if (update === undefined) {
          assert.deepEqual(entry, old);
          continue;
        }
        assert.deepEqual([entry.file, entry.dtype], [output, dtype]);
        const [a, b] = [tensorValues(update.a), tensorValues(update.b)];
        const input = entry.shape[1] ?? 0;
        const expected = tensorValues(old).map((weight, at) => {
          const [row, column] = [Math.floor(at / input), at % input];
          const products = Array.from(
            { length: RANK },
            (_, k) => (b[row * RANK + k] ?? 0) * (a[k * input + column] ?? 0),
          );
          return weight + SCALE * products.reduce((sum, x) => sum + x, 0);
        });
        const rounded = encodeFloats(Float32Array.from(expected), dtype);
        const found = encodeFloats(Float32Array.from(tensorValues(entry)), dtype);
        assert.deepEqual(found, rounded, name);
      }
    });
  }

  it('scales by the root of the rank if it is rank-stabilised, and accepts the adapter name "default"', async () => {
    const weights = await llama();
    const tensors = numbers(halves(), 'bf16', 2);
    for (const tensor of tensors) {
      tensor.name = tensor.name.replace(/\.(lora_[AB])\./, '.$1.default.');
    }
    const lora = await readLora(writeLora({ ...CONFIG, use_rslora: true }, tensors));
    assert.equal(resolveLora(lora, weights)[0]?.scale, 6 / Math.sqrt(RANK));
  });

  it('reads adapter_model.bin, and refuses one that would run code', async () => {
    const weights = await llama();
    const path = freshFolder();
    writeFileSync(join(path, 'adapter_config.json'), JSON.stringify(CONFIG));
    writeTorch(join(path, 'adapter_model.bin'), numbers(halves(), 'f32', 2));
    assert.equal(resolveLora(await readLora(path), weights).length, 4);
    const evil = new PickleWriter().global('os', 'system').string('true').stop();
    writeArchive(join(path, 'adapter_model.bin'), evil, []);
    await rejectsWith(readLora(path), 'ERR_CHECKPOINT_UNSAFE', /os\.?.*system/);
  });
});

describe('variants other than plain LoRA', () => {
  const weights = llama();
  const resolve = async (path: string) => resolveLora(await readLora(path), await weights);

  const configs: [string, object, ErrorCode, RegExp][] = [
    ['method', { peft_type: 'IA3' }, 'ERR_CHECKPOINT_UNSUPPORTED', /peft_type/],
    ['DoRA', { use_dora: true }, 'ERR_CHECKPOINT_UNSUPPORTED', /use_dora/],
    ['biases', { bias: 'all' }, 'ERR_CHECKPOINT_UNSUPPORTED', /bias/],
    ['ranks', { rank_pattern: { q_proj: 8 } }, 'ERR_CHECKPOINT_MISMATCH', /expected \[8,12\]/],
    [
      'ranks that are none',
      { rank_pattern: { q_proj: 0 } },
      'ERR_CHECKPOINT_FORMAT',
      /rank_pattern/,
    ],
    [
      'saved modules',
      { modules_to_save: ['norm'] },
      'ERR_CHECKPOINT_UNSUPPORTED',
      /modules_to_save/,
    ],
    ['PiSSA', { init_lora_weights: 'pissa' }, 'ERR_CHECKPOINT_UNSUPPORTED', /init_lora_weights/],
    ['no such target', { target_modules: ['query'] }, 'ERR_CHECKPOINT_MISMATCH', /q_proj/],
    ['rank', { r: 0 }, 'ERR_CHECKPOINT_FORMAT', /"r" .* positive integer/],
    ['alpha', { lora_alpha: undefined }, 'ERR_CHECKPOINT_FORMAT', /"lora_alpha" .* missing/],
    ['targets', { target_modules: [] }, 'ERR_CHECKPOINT_FORMAT', /target_modules/],
    ['all targets', { target_modules: 'all-linear' }, 'ERR_CHECKPOINT_MISMATCH', /k_proj/],
    ['another rank', { r: 4 }, 'ERR_CHECKPOINT_MISMATCH', /\[3,12\], expected \[4,12\]/],
    ['fewer targets', { target_modules: ['q_proj'] }, 'ERR_CHECKPOINT_MISMATCH', /down_proj/],
    [
      'more targets',
      { target_modules: [...CONFIG.target_modules, 'v_proj'] },
      'ERR_CHECKPOINT_MISMATCH',
      /lacks the update of "layers\.0\.self_attn\.v_proj\.weight" and 1 other/,
    ],
  ];
  for (const [what, change, code, pattern] of configs) {
    it(`is refused by its configuration (${what})`, async () => {
      await rejectsWith(resolve(writeLora({ ...CONFIG, ...change })), code, pattern);
    });
  }

  const tensors: [string, (shapes: NamedShapes) => NamedShapes, RegExp][] = [
    ['missing', (shapes) => without(shapes, /layers\.1.*down_proj\.lora_B/), /lacks lora_B/],
    [
      'missing with its other half',
      (shapes) => without(shapes, /layers\.1.*down_proj/),
      /lacks the update of "layers\.1/,
    ],
    ['extra', (shapes) => ({ ...shapes, [`${PREFIX}norm.weight`]: [12] }), /norm\.weight/],
    [
      'of a layer that is not there',
      (shapes) => ({ ...shapes, [`${PREFIX}layers.2.self_attn.q_proj.lora_A.weight`]: [3, 12] }),
      /layers\.2\.self_attn\.q_proj\.weight/,
    ],
    [
      'misshapen',
      (shapes) => ({ ...shapes, [`${PREFIX}layers.0.mlp.down_proj.lora_B.weight`]: [11, 3] }),
      /\[11,3\], expected \[12,3\]/,
    ],
  ];
  for (const [what, change, pattern] of tensors) {
    it(`names a tensor that is ${what}`, async () => {
      const path = writeLora(CONFIG, numbers(change(halves()), 'f32', 2));
      await rejectsWith(resolve(path), 'ERR_CHECKPOINT_MISMATCH', pattern);
    });
  }

  it('is refused if a file is missing or cut short', async () => {
    await rejectsWith(readLora(freshFolder()), 'ERR_NOT_FOUND', /adapter_model\.safetensors/);
    const path = freshFolder();
    writeSafetensors(join(path, 'adapter_model.safetensors'), numbers(halves(), 'f32', 2));
    await rejectsWith(readLora(path), 'ERR_NOT_FOUND', /adapter_config\.json/);
    writeFileSync(join(path, 'adapter_config.json'), '{"r": ');
    await rejectsWith(readLora(path), 'ERR_CHECKPOINT_FORMAT', /adapter_config\.json/);
    writeFileSync(join(path, 'adapter_config.json'), JSON.stringify(CONFIG));
    truncateSync(join(path, 'adapter_model.safetensors'), 2000);
    await rejectsWith(readLora(path), 'ERR_CHECKPOINT_FORMAT', /truncated/);
  });

  function without(shapes: NamedShapes, pattern: RegExp): NamedShapes {
    return Object.fromEntries(Object.entries(shapes).filter(([name]) => !pattern.test(name)));
  }
});

describe('a merge that fails leaves no file', () => {
  /** Merges an update whose first number is `value`. */
  async function mergeWith(value: number, dtype: FloatDtype, output: string, signal?: AbortSignal) {
    const weights = await llama();
    const tensors = numbers(halves(), 'f32', 2);
    const [first] = tensors;
    assert.ok(first?.data instanceof Uint8Array);
    new Float32Array(first.data.buffer)[0] = value;
    const updates = resolveLora(await readLora(writeLora(CONFIG, tensors)), weights);
    return mergeLora(weights, updates, { output, dtype, ...(signal && { signal }) });
  }
  const cases: [string, number, FloatDtype, ErrorCode][] = [
    ['NaN', Number.NaN, 'bf16', 'ERR_CHECKPOINT_NONFINITE'],
    ['infinity', Number.NEGATIVE_INFINITY, 'f32', 'ERR_CHECKPOINT_NONFINITE'],
    ['a number too large for fp16', 1e8, 'f16', 'ERR_CHECKPOINT_UNSUPPORTED'],
  ];
  for (const [what, value, dtype, code] of cases) {
    it(what, async () => {
      const output = join(freshFolder(), 'merged.bin');
      await rejectsWith(
        mergeWith(value, dtype, output),
        code,
        /layers\.0\.self_attn\.q_proj\.weight/,
      );
      assert.ok(!existsSync(output));
    });
  }

  it('aborted, or if the file exists', async () => {
    const output = join(freshFolder(), 'merged.bin');
    await assert.rejects(
      mergeWith(1, 'f32', output, AbortSignal.abort(new Error('enough'))),
      /enough/,
    );
    assert.ok(!existsSync(output));
    writeFileSync(output, 'mine');
    await rejectsWith(mergeWith(1, 'f32', output), 'ERR_IO', /exists/);
    assert.equal(readFileSync(output, 'utf8'), 'mine');
    await rejectsWith(mergeWith(1, 'f32', join(output, 'below')), 'ERR_IO', /cannot write/);
  });
});

it('fp16 and bf16 are rounded once, ties to even', () => {
  const halfOf = (x: number) => Buffer.from(encodeFloats(Float32Array.of(x), 'f16')).readUInt16LE();
  for (let bits = 0; bits < 0x7c00; bits++) {
    const value = fromF16(bits);
    assert.equal(halfOf(value), bits);
    assert.equal(halfOf(-value), bits | 0x8000);
    const next = bits === 0x7bff ? 65_536 : fromF16(bits + 1);
    const middle = (value + next) / 2; // exact in fp32
    assert.equal(halfOf(middle), bits % 2 === 0 ? bits : bits + 1, `${middle}`);
    assert.equal(halfOf(middle + (next - value) / 64), bits + 1);
    assert.equal(halfOf(middle - (next - value) / 64), bits);
  }
  const bf16Of = (x: number) => encodeFloats(Float32Array.of(x), 'bf16');
  const bytes = (x: number) => new Uint8Array(Uint16Array.of(x).buffer);
  assert.deepEqual(bf16Of(1), bytes(0x3f80));
  assert.deepEqual(bf16Of(1 + 2 ** -8), bytes(0x3f80));
  assert.deepEqual(bf16Of(1 + 3 * 2 ** -8), bytes(0x3f82));
  assert.deepEqual(bf16Of(-1 - 2 ** -8 - 2 ** -20), bytes(0xbf81));
});
