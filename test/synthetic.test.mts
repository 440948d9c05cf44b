// Tests that synthetic checkpoints have the same bytes on every machine, and the same weights in
// every layout.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { writeSyntheticCheckpoint } from '../tools/synthetic/checkpoint.mts';
import { LAYOUTS, type LayoutName, tensorsOf } from '../tools/synthetic/layouts.mts';
import { PRESETS, type Preset } from '../tools/synthetic/presets.mts';
import { temporaryFolder } from './support/temporary.mts';

const folder = temporaryFolder();
const product = (shape: number[]) => shape.reduce((count, size) => count * size, 1);

/**
 * Digests that were recorded on one machine. A generator that writes other bytes elsewhere fails.
 */
const PINNED = {
  'eva02-tiny official torch f32':
    '87532944535484a2e0c18790a1f7075adc017e51a8eb0c7ef8a8d258341b24f1',
  'eva02-tiny timm safetensors bf16':
    '80e016f8637a47f0ea0182bb2d330ac9d0d973a357684771562d207a860f20b4',
  'clip-tiny hf-openai safetensors f16':
    'eb6011f88e4145ae080b1019c165bf01acf533acf4ae3e4743a066a4e9655ea1',
  'siglip2-tiny timm-siglip2 safetensors f32':
    '146067abe1804efcf5ea469ff39a90127ef080f6ba2a49d19ca8165b6555c8b3',
};

for (const [name, sha256] of Object.entries(PINNED)) {
  test(`${name}: the same bytes on every machine`, async () => {
    const [preset, layout, format, dtype] = name.split(' ') as [
      Preset,
      LayoutName,
      'torch' | 'safetensors',
      'f32' | 'f16' | 'bf16',
    ];
    const options = { preset, layout, format, dtype, seed: 1 };
    const bytes = readFileSync(await writeSyntheticCheckpoint(`${folder}/${name}`, options));
    assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256);
  });
}

test('EVA02-L/14@336 has the parameters of the published tower', () => {
  const tensors = tensorsOf(PRESETS['eva02-L-14-336'], 'official');
  assert.equal(
    tensors.reduce((sum, { shape }) => sum + product(shape), 0),
    304_957_632,
  );
});

test('another seed gives other weights', async () => {
  const options = { preset: 'eva02-tiny', layout: 'timm', format: 'safetensors' } as const;
  const files = [];
  for (const seed of [1, 2]) {
    const at = { ...options, dtype: 'f32', seed } as const;
    files.push(readFileSync(await writeSyntheticCheckpoint(`${folder}/seed-${seed}`, at)));
  }
  const [first, second] = files as [Buffer, Buffer];
  assert.equal(first.length, second.length);
  assert.notDeepEqual(first, second);
});

test('every layout of a family holds the same weights', async () => {
  /**
   * Returns the sha256 of each weight in a file, whatever the names, the order and the sharding of
   * its tensors.
   */
  const weightsOf = async (layout: LayoutName): Promise<string[]> => {
    const preset = 'eva02-tiny';
    const options = { preset, layout, format: 'safetensors', dtype: 'f32', seed: 1 } as const;
    const bytes = readFileSync(await writeSyntheticCheckpoint(`${folder}/as-${layout}`, options));
    const data = 8 + Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.toString('utf8', 8, data));
    return tensorsOf(PRESETS[preset], layout).flatMap(({ name, parts }) => {
      let begin = data + header[name].data_offsets[0];
      return parts.map(({ shape }) => {
        const end = begin + 4 * product(shape);
        const part = bytes.subarray(begin, end);
        begin = end;
        return createHash('sha256').update(part).digest('hex');
      });
    });
  };
  const layouts = (Object.keys(LAYOUTS) as LayoutName[]).filter(
    (name) => LAYOUTS[name].family === 'eva02',
  );
  const [expected, ...others] = await Promise.all(layouts.map(weightsOf));
  assert.ok(layouts.length >= 7);
  for (const weights of others) assert.deepEqual(weights.sort(), expected?.sort());
});
