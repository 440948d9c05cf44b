// Tests the real size, EVA02-L/14@336 with synthetic weights, against timm.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { syntheticCheckpoint } from './support/checkpoints.mts';
import { convertModel, loadModel, ON_GPU, onDevice } from './support/device.mts';
import { CHECKPOINT as DIGITS } from './support/digits.mts';
import { assertClose, FP32, photograph, readGolden } from './support/goldens.mts';
import { temporaryFolder } from './support/temporary.mts';

const PRESET = 'eva02-L-14-336';
const PARAMETERS = 304_957_632;
const LOADER = fileURLToPath(new URL('./support/loader.mts', import.meta.url));
const CONVERTER = fileURLToPath(new URL('./support/converter.mts', import.meta.url));
const folder = temporaryFolder();

test('EVA02-L/14@336 converts in twice the memory of its weights, and agrees with timm', async (t) => {
  const { seed, embeddings } = readGolden(PRESET);
  const options = {
    preset: PRESET,
    layout: 'official',
    format: 'torch',
    dtype: 'f32',
    seed,
  } as const;
  const checkpoint = await syntheticCheckpoint(options);
  const bundle = join(folder, 'bundle');

  // Runs in a process of its own, so that its peak memory is that of the conversion.
  const child = spawnSync(process.execPath, ['--import', 'tsx', CONVERTER, checkpoint, bundle], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.equal(child.status, 0);
  const { parameters, peakBytes } = JSON.parse(child.stdout);
  assert.equal(parameters, PARAMETERS);
  assert.ok(peakBytes <= 2 * 4 * PARAMETERS, `peak memory ${(peakBytes / 1e9).toFixed(2)} GB`);
  t.diagnostic(`peak memory ${(peakBytes / (4 * PARAMETERS)).toFixed(2)} × the fp32 weights`);

  await using model = await loadModel(bundle, { threads: 2 });
  for (const [name, golden] of Object.entries(embeddings)) {
    const found = await model.encodeImage(photograph(name), { normalize: false });
    assertClose(found, golden, onDevice('fp32', FP32));
  }
});

const skip = ON_GPU && 'its weights are in the memory of the GPU';
test('a bf16 bundle takes little more memory than its file, and frees it', {
  skip,
}, async (t) => {
  const checkpoint = await syntheticCheckpoint({
    ...{ preset: PRESET, layout: 'official', format: 'torch', dtype: 'f32' },
    seed: readGolden(PRESET).seed,
  });
  const [bundle, small] = [join(folder, 'bf16'), join(folder, 'small')];
  await convertModel(DIGITS, { out: small });
  const { files, parts } = await convertModel(checkpoint, { out: bundle, precision: 'bf16' });
  const bytes = files[parts.vision ?? '']?.bytes ?? 0;

  const child = spawnSync(process.execPath, ['--import', 'tsx', LOADER, bundle, small], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.equal(child.status, 0);
  const { precision, loaded, peak, disposed } = JSON.parse(child.stdout);
  const share = (found: number) => found / bytes;
  t.diagnostic(`loaded ${share(loaded).toFixed(2)} × its file, peak ${share(peak).toFixed(2)} ×`);
  // If the processor computes in fp32, the weights are widened one after the other.
  const [most, mostAtOnce] = precision === 'fp32' ? [2.25, 2.6] : [1.25, 1.25];
  assert.ok(share(loaded) <= most, `${share(loaded)} × its file`);
  assert.ok(share(peak) <= mostAtOnce, `peak ${share(peak)} × its file`);
  assert.ok(share(disposed) <= 0.1, `${share(disposed)} × its file after dispose()`);
});
