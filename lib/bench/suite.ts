import { invalidRange } from '../arguments';
import type { Manifest } from '../bundle/manifest';
import { readVisionManifest } from '../bundle/open';
import { openEngine } from '../engine';
import { LLM2CLIP } from '../model';
import type { ModelInfo } from '../model-info';
import type { LoadOptions } from '../options';
import { gflopPerPicture, isWhole, peakGflops } from './compute';
import { compareEmbeddings } from './parity';
import { loadPictures } from './pictures';
import { type Lengths, offline, type Plan } from './plan';
import type { InputKind, Parity, Run, Scenario } from './record';
import { runPlan, type Subject } from './run';
import { RUNS, type ScenarioOptions } from './scenarios';

export interface SuiteOptions extends ScenarioOptions {
  bundle: string;
  load: LoadOptions;
  scenarios: readonly Scenario[];
  /** Files and folders. */
  images: readonly string[];
  input: InputKind;
  lengths: Lengths;
  /** Bundle of the same model in fp32, to compare the embeddings with. */
  reference: string | undefined;
  signal: AbortSignal;
}

/** Told what happens, in the order in which it does. */
export interface SuiteEvents {
  onRun: (run: Run) => void | Promise<void>;
  onStage: (what: string) => void;
  onSkipped: (path: string, reason: string) => void;
}

const PARITY_PICTURES = 32;

interface Embedded {
  rows: Float32Array[];
  info: ModelInfo;
}

async function embed(bundle: string, load: LoadOptions, paths: readonly string[]) {
  await using model = await LLM2CLIP.load(bundle, load);
  const { row } = await model.encodeImages(paths);
  return { rows: paths.map((_, i) => row(i)), info: model.info } satisfies Embedded;
}

async function parityOf(
  { reference, load }: SuiteOptions,
  found: Embedded,
  paths: readonly string[],
): Promise<Parity | null> {
  if (reference === undefined) return null;
  const expected = await embed(reference, load, paths);
  if (expected.info.precision !== 'fp32') {
    throw invalidRange('a bundle in fp32', '--reference', reference);
  }
  const { storedPrecision: precision } = found.info;
  return compareEmbeddings(found.rows, expected.rows, { precision, reference: 'llm2clip fp32' });
}

/** The machine's peak is that of its processor: for engines on GPUs nothing is measured. */
async function computeOf({ model, engine }: Manifest, info: ModelInfo) {
  if (!isWhole(model)) return { gflopPerPicture: null, peakGflops: null };
  const perPicture = gflopPerPicture(model);
  if (info.device !== 'cpu') return { gflopPerPicture: perPicture, peakGflops: null };
  const { storedPrecision, threads } = info;
  const opened = await openEngine(engine.kind);
  return {
    gflopPerPicture: perPicture,
    peakGflops: await peakGflops(opened, model, storedPrecision, threads),
  };
}

/** Everything that is the same for all runs. */
async function prepare(options: SuiteOptions, { onStage, onSkipped }: SuiteEvents) {
  const { bundle, load, input, lengths, signal } = options;
  const manifest = await readVisionManifest(bundle);
  onStage('reading the pictures');
  const pictures = await loadPictures(options.images, input, manifest.preprocessing);
  for (const { path, reason } of pictures.skipped) onSkipped(path, reason);
  onStage('comparing with fp32');
  const some = pictures.paths.slice(0, PARITY_PICTURES);
  const found = await embed(bundle, load, some);
  const parity = await parityOf(options, found, some);
  onStage("measuring the machine's peak");
  const compute = await computeOf(manifest, found.info);
  const subject = { bundle, manifest, load, pictures, input, lengths, parity, signal, ...compute };
  return { subject: subject satisfies Subject, maxBatch: found.info.maxBatch };
}

function describePlan({ scenario, concurrency, rate }: Plan): string {
  if (rate !== null) return `${scenario} at ${rate.toPrecision(3)}/s`;
  return scenario === 'concurrency' ? `${concurrency} callers` : scenario;
}

/**
 * Makes the runs of the scenarios asked for, one after the other, each told as it is done.
 *
 * @throws what LLM2CLIP.load throws; RangeError ERR_INVALID_ARG; `signal.reason`
 */
export async function runSuite(options: SuiteOptions, events: SuiteEvents): Promise<void> {
  const { subject, maxBatch } = await prepare(options, events);
  let best: number | undefined;
  const make = async (plan: Plan) => {
    options.signal.throwIfAborted();
    events.onStage(describePlan(plan));
    const run = await runPlan(plan, subject);
    if (plan.scenario === 'offline') best = run.picturesPerSecond;
    return run;
  };
  const most = async () => {
    if (best === undefined) await events.onRun(await make(offline(maxBatch)));
    return best as number;
  };
  for (const scenario of options.scenarios) {
    const runs = RUNS[scenario]({ ...options, maxBatch, make, most });
    for await (const run of runs) await events.onRun(run);
  }
}
