// The real size: EVA02-L/14@336 with synthetic weights, against timm.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LLM2CLIP } from 'llm2clip';
import { syntheticCheckpoint } from './support/checkpoints.mts';
import { assertClose, FP32, photograph, readGolden } from './support/goldens.mts';
import { temporaryFolder } from './support/temporary.mts';

const PRESET = 'eva02-L-14-336';
const PARAMETERS = 304_957_632;
const CONVERTER = fileURLToPath(new URL('./support/converter.mts', import.meta.url));

test('EVA02-L/14@336 converts within twice its weights and agrees with timm', async (t) => {
  const { seed, embeddings } = readGolden(PRESET);
  const options = {
    preset: PRESET,
    layout: 'official',
    format: 'torch',
    dtype: 'f32',
    seed,
  } as const;
  const checkpoint = await syntheticCheckpoint(options);
  const bundle = join(temporaryFolder(), 'bundle');

  // In a process of its own, whose peak memory is the conversion's.
  const child = spawnSync(process.execPath, ['--import', 'tsx', CONVERTER, checkpoint, bundle], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.equal(child.status, 0);
  const { parameters, peakBytes } = JSON.parse(child.stdout);
  assert.equal(parameters, PARAMETERS);
  assert.ok(peakBytes <= 2 * 4 * PARAMETERS, `peak memory ${(peakBytes / 1e9).toFixed(2)} GB`);
  t.diagnostic(`peak memory ${(peakBytes / (4 * PARAMETERS)).toFixed(2)} × the fp32 weights`);

  await using model = await LLM2CLIP.load(bundle, { threads: 2 });
  for (const [name, golden] of Object.entries(embeddings)) {
    assertClose(await model.encodeImage(photograph(name), { normalize: false }), golden, FP32);
  }
});
