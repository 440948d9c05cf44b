// The whole suite: it measures this project's engines alone in every scenario, and then compares
// them with each peer. Each contestant is a separate process. One runs at a time, and the others
// are stopped but stay in memory.
//
//   npm run bench -- [--model eva02-L-14-336|digits|CHECKPOINT] [--precisions fp32,bf16,int8]
//     [--batches 1,8] [--rounds N] [--alone N] [--threads N] [--duration S] [--scenarios LIST] [--peers LIST|none]
//     [--engine torchscript|cpu] [--python PATH] [--out FILE.json] [--markdown FILE] [--html FILE]
//
// --engine is the engine that is measured; that of TorchScript is a peer of the other.
// bench/peers/setup installs the peers. Missing peers are skipped and reported. --alone is the
// number of turns that each contestant has as the only open one, before and after the comparison,
// to check that the others do not slow it down. 0 skips the check.
import { setMaxListeners } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Precision } from 'llm2clip';
import { DEFAULT_IMAGES, loadImages } from '#lib/bench/images';
import { describeMachine } from '#lib/bench/machine';
import { type Report, SCENARIOS, SCHEMA_VERSION, type Scenario } from '#lib/bench/record';
import { htmlReport } from '#lib/bench/report/html';
import { markdownReport } from '#lib/bench/report/markdown';
import { terminalReport } from '#lib/bench/report/terminal';
import { writeReport, writeText } from '#lib/bench/store';
import { runSuite } from '#lib/bench/suite';
import { readVisionManifest } from '#lib/bundle/open';
import { DEFAULT_ENGINE, ENGINE_KINDS, type EngineKind } from '#lib/engines/index';
import { compareAll, type Settings } from './comparison.mts';
import { openRunner, oursOf, type PixelFile, peersOf } from './contestants.mts';
import { type Models, PEERS_PYTHON, prepareBundles, prepareModels } from './models.mts';
import type { PeerSpec } from './peers/peer.mts';
import { expectJobControl } from './peers/process-group.mts';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: 'eva02-L-14-336' },
    precisions: { type: 'string', default: 'fp32,bf16,int8' },
    batches: { type: 'string', default: '1,8' },
    rounds: { type: 'string', default: '7' },
    alone: { type: 'string', default: '3' },
    threads: { type: 'string', default: String(availableParallelism()) },
    duration: { type: 'string', default: '20' },
    scenarios: { type: 'string', default: 'single-stream,offline,server,concurrency' },
    peers: { type: 'string', default: '' },
    engine: { type: 'string', default: DEFAULT_ENGINE },
    python: { type: 'string', default: PEERS_PYTHON },
    images: { type: 'string', default: DEFAULT_IMAGES },
    out: { type: 'string' },
    markdown: { type: 'string' },
    html: { type: 'string' },
  },
});
const threads = Number(options.threads);
const precisions = [...new Set(['fp32', ...options.precisions.split(',')])] as Precision[];
const engine = options.engine as EngineKind;
if (!ENGINE_KINDS.includes(engine)) {
  throw new RangeError(`expected --engine to be one of ${ENGINE_KINDS}, found ${engine}`);
}
const say = (text: string) => process.stderr.write(`${text}\n`);
const interrupted = new AbortController();
setMaxListeners(0, interrupted.signal); // each open contestant listens
/** The exit codes that shells expect for signals. */
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
for (const [signal, code] of Object.entries(EXIT_CODES)) {
  process.once(signal, () => {
    process.exitCode = code;
    interrupted.abort(new Error('interrupted'));
  });
}

/** The number of images for parity and for turns. */
const PIXEL_IMAGES = 12;

async function writePixels(bundle: string, folder: string): Promise<PixelFile> {
  const { preprocessing } = await readVisionManifest(bundle);
  const images = await loadImages([options.images], 'preprocessed', preprocessing);
  const pixels = images.inputs.slice(0, PIXEL_IMAGES).map((input) => {
    const { pixelValues } = input as { pixelValues: Float32Array };
    return Buffer.from(pixelValues.buffer, pixelValues.byteOffset, pixelValues.byteLength);
  });
  const path = join(folder, 'pixels.f32');
  await writeFile(path, Buffer.concat(pixels));
  return { path, count: pixels.length, imageSize: preprocessing.size };
}

function scenarios(): Scenario[] {
  const wanted = options.scenarios.split(',').filter((name) => name !== 'none');
  return wanted.map((name) => {
    const known = SCENARIOS.find((one) => one === name);
    if (known === undefined) throw new RangeError(`expected some of ${SCENARIOS}, found ${name}`);
    return known;
  });
}

async function runAlone(
  report: Report,
  bundle: string,
  reference: string,
  wanted: readonly Scenario[],
): Promise<void> {
  await runSuite(
    {
      ...{ bundle, reference, scenarios: wanted, images: [options.images], input: 'encoded' },
      ...{ load: { threads }, rate: undefined, rates: undefined, slo: undefined },
      concurrency: [1, 2, 4, 8],
      lengths: { seconds: Number(options.duration), minQueries: 24, compliant: false },
      signal: interrupted.signal,
    },
    {
      onStage: say,
      onSkipped: () => {},
      onRun: (run) => {
        report.runs.push(run);
        say(`  ${run.picturesPerSecond.toFixed(2)} images/s, p50 ${run.latency.p50.toFixed(1)} ms`);
      },
    },
  );
}

function wantedPeers(specs: readonly PeerSpec[]): PeerSpec[] {
  const wanted = options.peers.split(',').filter((part) => part !== '');
  return specs.filter(
    ({ name }) => wanted.length === 0 || wanted.some((one) => name.includes(one)),
  );
}

/** Our fp32 embeddings, which are the reference for parity. */
async function referenceOf(fp32: PeerSpec, pixels: PixelFile): Promise<Float32Array[]> {
  const runner = await openRunner(fp32, pixels, interrupted.signal);
  const embeddings = await runner.embed(pixels.count);
  await runner.close();
  return embeddings;
}

/** The engine that `convert` chooses, if another one is measured. */
async function otherEngine(open: PeerSpec['open']): Promise<PeerSpec[]> {
  if (engine === DEFAULT_ENGINE) return [];
  const bundles = await prepareBundles(options.model, precisions, DEFAULT_ENGINE);
  return oursOf(bundles, open, `llm2clip ${DEFAULT_ENGINE}`);
}

async function runBesidePeers(report: Report, models: Models, pixels: PixelFile): Promise<void> {
  const batches = options.batches.split(',').map(Number);
  const open = {
    ...{ threads, device: 'cpu', imageSize: pixels.imageSize, maxBatch: Math.max(...batches) },
    ...{ calibration: pixels.path, model: '', precision: '' },
  };
  const ours = oursOf(models.bundles, open);
  const fp32 = ours.find((one) => one.open.precision === 'fp32') as PeerSpec;
  const { signal } = interrupted;
  const settings: Settings = {
    ...{ model: basename(options.model), device: 'cpu', threads, pixels, batches, signal },
    ...{ rounds: Number(options.rounds), aloneTurns: Number(options.alone) },
    reference: await referenceOf(fp32, pixels),
    open: (spec) => openRunner(spec, pixels, signal),
    availableMemory: () => process.availableMemory(),
    onStage: say,
    onAbsent: ({ name }, reason) => say(`${name}: ${reason}`),
  };
  const peers = wantedPeers([
    ...(await otherEngine(open)),
    ...peersOf(models, options.python, open),
  ]);
  report.comparisons.push(...(await compareAll(ours, peers, settings)));
  signal.throwIfAborted();
}

async function measure(report: Report): Promise<void> {
  if (options.peers !== 'none') expectJobControl();
  say('preparing models');
  const models = await prepareModels(options.model, precisions, options.python, engine);
  const folder = await mkdtemp(join(tmpdir(), 'llm2clip-bench-'));
  try {
    const fp32 = models.bundles.fp32 as string;
    const wanted = scenarios();
    for (const bundle of wanted.length > 0 ? Object.values(models.bundles) : []) {
      await runAlone(report, bundle, fp32, wanted);
    }
    if (options.peers === 'none') return;
    await runBesidePeers(report, models, await writePixels(fp32, folder));
  } finally {
    await rm(folder, { recursive: true });
  }
}

const report: Report = {
  schemaVersion: SCHEMA_VERSION,
  command: `npm run bench -- ${process.argv.slice(2).join(' ')}`.trim(),
  date: new Date().toISOString(),
  interrupted: false,
  machine: await describeMachine(),
  runs: [],
  comparisons: [],
};
try {
  await measure(report);
} catch (error) {
  report.interrupted = interrupted.signal.aborted;
  if (!report.interrupted) throw error;
} finally {
  // Finished results are kept, however the suite ended.
  if (options.out !== undefined) await writeReport(options.out, report);
}
if (options.markdown !== undefined) await writeText(options.markdown, markdownReport(report));
if (options.html !== undefined) await writeText(options.html, htmlReport(report));
console.log(terminalReport(report));
