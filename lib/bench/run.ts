import { abortable } from '../async/abort';
import type { Manifest } from '../bundle/manifest';
import type { ModelInfo } from '../model/model-info';
import { realClock } from './clock';
import { openLoop, poisson } from './load';
import { isCompliant, type Lengths, limitsOf, type Plan } from './plan';
import type { Closing, OpenOptions } from './protocol';
import { randomNumbers } from './random';
import type { Compute, InputKind, Parity, Run } from './record';
import { type Measured, Recorder } from './recorder';
import { SubjectProcess } from './subject-process';

const SEED = 1;

/** The subject reports answers ten times a second, so that reporting does not disturb it. */
const TELL_EVERY_MS = 100;

/** Conditions that all runs of a benchmark share. */
export interface Conditions {
  bundle: string;
  manifest: Manifest;
  load: OpenOptions['load'];
  /** Paths of images that are known to decode. */
  paths: readonly string[];
  input: InputKind;
  lengths: Lengths;
  gflopPerPicture: number | null;
  peakGflops: number | null;
  parity: Parity | null;
  signal: AbortSignal;
}

/**
 * Generates the load of a run. This process sends queries at a rate, at their times, whatever the
 * subject does. Callers that wait for their answers run inside the subject, where a query costs no
 * message.
 */
async function generate(
  plan: Plan,
  { lengths }: Conditions,
  subject: SubjectProcess,
): Promise<Measured> {
  if (plan.rate === null) return subject.loop(plan, lengths);
  const { send, signal } = subject;
  const recorder = new Recorder(plan.picturesPerQuery);
  const limits = limitsOf(plan, lengths);
  const options = { clock: realClock, recorder, send, limits, signal };
  await abortable(openLoop(options, poisson(plan.rate, randomNumbers(SEED))), signal);
  return recorder.measured(false);
}

function computeOf({ gflopPerPicture, peakGflops }: Conditions, picturesPerSecond: number) {
  if (gflopPerPicture === null) return null;
  const gflops = gflopPerPicture * picturesPerSecond;
  const share = peakGflops === null ? null : gflops / peakGflops;
  return { gflopPerPicture, gflops, peakGflops, share } satisfies Compute;
}

function configurationOf(plan: Plan, { manifest, input }: Conditions, info: ModelInfo) {
  const { family, imageSize, engine, storedPrecision, device, threads, maxBatch } = info;
  const computed = info.precision === storedPrecision ? '' : `, computes in ${info.precision}`;
  const { picturesPerQuery, concurrency, rate } = plan;
  return {
    model: `${family}, ${imageSize} px, ${manifest.parameters.toLocaleString('en')} parameters`,
    engine: `${engine.kind} (${engine.flavour}${computed})`,
    precision: storedPrecision,
    device,
    threads,
    maxBatch,
    input,
    picturesPerQuery,
    concurrency,
    rate,
  };
}

function summarise(
  plan: Plan,
  conditions: Conditions,
  info: ModelInfo,
  measured: Measured,
  { stats, observed: { joules, ...observed } }: Closing,
): Run {
  const { pictures: images, picturesPerSecond } = measured;
  const run: Run = {
    scenario: plan.scenario,
    configuration: configurationOf(plan, conditions, info),
    compliant: false,
    ...measured,
    stages: stats.stages,
    batches: { ...stats.batches.sizes },
    engineUtilisation: stats.engine.utilisation,
    ...observed,
    compute: computeOf(conditions, picturesPerSecond),
    energy: joules === null ? null : { joules, joulesPerPicture: joules / Math.max(1, images) },
    parity: conditions.parity,
    goodput: null,
  };
  return { ...run, compliant: isCompliant(run) };
}

/**
 * Runs a plan. It loads the bundle in a new process, so that counts and costs belong to this run
 * only, including loading and warm-up.
 *
 * @throws what LLM2CLIP.load throws; LLM2CLIPError ERR_INTERNAL if the process dies;
 *   `signal.reason`
 */
export async function runPlan(plan: Plan, conditions: Conditions): Promise<Run> {
  const { bundle, load, paths, input, signal } = conditions;
  const options = { bundle, load, paths, input, tellEveryMs: TELL_EVERY_MS };
  const { subject, info } = await SubjectProcess.start(options, signal);
  try {
    const measured = await generate(plan, conditions, subject);
    return summarise(plan, conditions, info, measured, await subject.close());
  } finally {
    await subject.kill();
  }
}
