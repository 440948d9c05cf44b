// Tests weights that are not finite, or too large for the requested precision.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Precision } from 'llm2clip';
import type { WeightDtype } from '../tools/synthetic/random.mts';
import { syntheticCheckpoint } from './support/checkpoints.mts';
import { convertModel } from './support/device.mts';
import { temporaryFolder } from './support/temporary.mts';

const TENSOR = 'visual.blocks.1.mlp.w3.weight';
/** Little-endian bits for the last element of TENSOR. */
const BITS: Record<WeightDtype, Record<'nan' | 'infinity' | 'minus infinity', string>> = {
  f32: { nan: '0000c07f', infinity: '0000807f', 'minus infinity': '000080ff' },
  f16: { nan: '017e', infinity: '007c', 'minus infinity': '00fc' },
  bf16: { nan: 'c07f', infinity: '807f', 'minus infinity': '80ff' },
};
const LARGE = '007fc747'; // 102,142 in f32, which is 1.56 times the largest f16 number

const folder = temporaryFolder();

const source = (dtype: WeightDtype) =>
  syntheticCheckpoint({
    preset: 'eva02-tiny',
    layout: 'official',
    format: 'safetensors',
    dtype,
    seed: 1,
  });

/** Copies a good checkpoint and replaces one number. */
async function damaged(name: string, dtype: WeightDtype, bits: string): Promise<string> {
  const path = join(folder, `${name}.safetensors`);
  await copyFile(await source(dtype), path);
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length));
  const end = 8 + length + header[TENSOR].data_offsets[1];
  const number = Buffer.from(bits, 'hex');
  number.copy(bytes, end - number.length);
  writeFileSync(path, bytes);
  return path;
}

async function assertRefused(path: string, precision: Precision, code: string) {
  const out = join(folder, 'bundle');
  await assert.rejects(
    convertModel(path, { out, precision }),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, code);
      assert.match(error.message, /blocks\.1\.mlp\.w3\.weight/);
      return true;
    },
  );
  assert.ok(!existsSync(out));
  const left = (await readdir(folder)).filter((name) => !name.endsWith('.safetensors'));
  assert.deepEqual(left, [], 'nothing half written is left');
}

for (const [dtype, values] of Object.entries(BITS) as [WeightDtype, Record<string, string>][]) {
  for (const [value, bits] of Object.entries(values)) {
    test(`${value} in ${dtype} is refused, whatever the precision`, async () => {
      const path = await damaged(`${value}-${dtype}`, dtype, bits);
      for (const precision of ['fp32', 'bf16', 'fp16'] as const) {
        await assertRefused(path, precision, 'ERR_CHECKPOINT_NONFINITE');
      }
    });
  }
}

test('a number beyond the range of fp16 is refused only for fp16', async () => {
  const path = await damaged('large', 'f32', LARGE);
  await assertRefused(path, 'fp16', 'ERR_CHECKPOINT_UNSUPPORTED');
  for (const precision of ['fp32', 'bf16'] as const) {
    await convertModel(path, { out: join(folder, `${precision}.safetensors`), precision });
  }
});
