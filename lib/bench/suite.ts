import { invalidRange } from '../arguments';
import type { Manifest } from '../bundle/manifest';
import { readVisionManifest } from '../bundle/open';
import { openEngine } from '../engines';
import type { ModelInfo } from '../model/model-info';
import { gflopPerPicture, isWhole, peakGflops } from './compute';
import { loadImages } from './images';
import { compareEmbeddings } from './parity';
import { type Lengths, offline, type Plan } from './plan';
import type { OpenOptions } from './protocol';
import type { InputKind, Parity, Run, Scenario } from './record';
import { type Conditions, runPlan } from './run';
import { RUNS, type ScenarioOptions } from './scenarios';
import { SubjectProcess } from './subject-process';

export interface SuiteOptions extends ScenarioOptions {
  bundle: string;
  load: OpenOptions['load'];
  scenarios: readonly Scenario[];
  /** Image files and folders. */
  images: readonly string[];
  input: InputKind;
  lengths: Lengths;
  /** Bundle of the same model in fp32, to compare embeddings with. */
  reference: string | undefined;
  signal: AbortSignal;
}

/** Callbacks for the progress of the suite, called in order. */
export interface SuiteEvents {
  onRun: (run: Run) => void | Promise<void>;
  onStage: (what: string) => void;
  onSkipped: (path: string, reason: string) => void;
}

const PARITY_IMAGES = 32;

/**
 * Runs work in a separate process, so that this one holds no memory, or GPU memory, during runs.
 */
async function inSubject<T>(
  bundle: string,
  { load, signal }: SuiteOptions,
  paths: readonly string[],
  body: (subject: SubjectProcess, info: ModelInfo) => Promise<T>,
): Promise<T> {
  const options = { bundle, load, paths, input: 'path', tellEveryMs: 0 } as const;
  const { subject, info } = await SubjectProcess.start(options, signal);
  try {
    return await body(subject, info);
  } finally {
    await subject.kill();
  }
}

async function parityOf(
  options: SuiteOptions,
  { storedPrecision: precision }: ModelInfo,
  found: readonly Float32Array[],
  paths: readonly string[],
): Promise<Parity | null> {
  const { reference } = options;
  if (reference === undefined) return null;
  const expected = await inSubject(reference, options, paths, async (subject, info) => {
    if (info.precision === 'fp32') return subject.embed();
    throw invalidRange('a bundle in fp32', '--reference', reference);
  });
  return compareEmbeddings(found, expected, { precision, reference: 'llm2clip fp32' });
}

/** Measures the processor's peak. It is not measured for engines on GPUs. */
async function computeOf({ model, engine }: Manifest, info: ModelInfo) {
  if (!isWhole(model)) return { gflopPerPicture: null, peakGflops: null };
  const perImage = gflopPerPicture(model);
  if (info.device !== 'cpu') return { gflopPerPicture: perImage, peakGflops: null };
  const { storedPrecision, threads } = info;
  const opened = await openEngine(engine.kind);
  return {
    gflopPerPicture: perImage,
    peakGflops: await peakGflops(opened, model, storedPrecision, threads),
  };
}

/** Prepares everything that all runs share. */
async function prepare(options: SuiteOptions, { onStage, onSkipped }: SuiteEvents) {
  const { bundle, load, input, lengths, signal } = options;
  const manifest = await readVisionManifest(bundle);
  onStage('reading the images');
  const { paths, skipped } = await loadImages(options.images, 'path', manifest.preprocessing);
  for (const { path, reason } of skipped) onSkipped(path, reason);
  onStage(options.reference === undefined ? 'opening the bundle' : 'comparing with fp32');
  const some = paths.slice(0, PARITY_IMAGES);
  const { info, rows } = await inSubject(bundle, options, some, async (subject, info) => ({
    info,
    rows: options.reference === undefined ? [] : await subject.embed(),
  }));
  const parity = await parityOf(options, info, rows, some);
  onStage("measuring the machine's peak");
  const compute = await computeOf(manifest, info);
  const conditions = { bundle, manifest, load, paths, input, lengths, parity, signal, ...compute };
  return { conditions: conditions satisfies Conditions, maxBatch: info.maxBatch };
}

function describePlan({ scenario, concurrency, rate }: Plan): string {
  if (rate !== null) return `${scenario} at ${rate.toPrecision(3)}/s`;
  return scenario === 'concurrency' ? `${concurrency} callers` : scenario;
}

/**
 * Runs the requested scenarios one after the other, and reports each run when it is done.
 *
 * @throws what LLM2CLIP.load throws; RangeError ERR_INVALID_ARG; `signal.reason`
 */
export async function runSuite(options: SuiteOptions, events: SuiteEvents): Promise<void> {
  const { conditions, maxBatch } = await prepare(options, events);
  let best: number | undefined;
  const make = async (plan: Plan) => {
    options.signal.throwIfAborted();
    events.onStage(describePlan(plan));
    const run = await runPlan(plan, conditions);
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
