// Serves EVA02-L/14@336 with random weights as users do: converts it in fp16, and then runs
// `llm2clip bench` on the device that LLM2CLIP_TEST_DEVICE names. Prints JSON.
//
//   node --import tsx bench/gpu/served.mts [PRESET]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convert } from 'llm2clip';
import type { Report, Run } from '#lib/bench/record';
import { syntheticCheckpoint } from '../../test/support/checkpoints.mts';
import { MAIN } from '../../test/support/cli.mts';
import { DEVICE } from '../../test/support/device.mts';
import { photograph } from '../../test/support/goldens.mts';
import type { Preset } from '../../tools/synthetic/presets.mts';

/** Images of 640 × 427 pixels. */
const IMAGES = [photograph('china.jpg'), photograph('flower.jpg')];

/** The whole path from encoded images, the path after decoding, and the path after resizing. */
const INPUTS = ['encoded', 'raw', 'preprocessed'] as const;

function bench(bundle: string, input: string, out: string): Report {
  const words = ['--scenario', 'single-stream,offline', '--input', input, '--duration', '10'];
  const args = [MAIN, 'bench', bundle, '--device', DEVICE, '--images', ...IMAGES, ...words];
  const { status, error } = spawnSync(process.execPath, [...args, '--out', out], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw error ?? new Error(`llm2clip bench ended with ${status}`);
  return JSON.parse(readFileSync(out, 'utf8')) as Report;
}

function described({ picturesPerSecond, latency, engineUtilisation, eventLoopDelay }: Run) {
  const { p50, p99 } = latency;
  return { picturesPerSecond, p50, p99, engineUtilisation, eventLoopDelay };
}

const preset = (process.argv[2] ?? 'eva02-L-14-336') as Preset;
const folder = mkdtempSync(join(tmpdir(), 'llm2clip-bench-'));
try {
  const source = { preset, layout: 'official', format: 'torch', dtype: 'f32', seed: 1 } as const;
  const checkpoint = await syntheticCheckpoint(source);
  const bundle = join(folder, 'bundle');
  const begin = performance.now();
  await convert(checkpoint, { out: bundle, precision: 'fp16' });
  const convertSeconds = (performance.now() - begin) / 1000;
  const runs = INPUTS.map((input) => {
    const { runs } = bench(bundle, input, join(folder, `${input}.json`));
    return [input, Object.fromEntries(runs.map((run) => [run.scenario, described(run)]))] as const;
  });
  const record = { preset, device: DEVICE, convertSeconds, ...Object.fromEntries(runs) };
  console.log(JSON.stringify(record, null, 2));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
