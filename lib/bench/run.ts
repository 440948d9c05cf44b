import { abortable } from '../abort';
import type { Manifest } from '../bundle/manifest';
import { LLM2CLIP } from '../model';
import type { LoadOptions } from '../options';
import { type Clock, realClock } from './clock';
import { closedLoop, openLoop, poisson, type Send } from './load';
import { type Observed, observe } from './observe';
import type { Pictures } from './pictures';
import { isCompliant, type Lengths, limitsOf, type Plan } from './plan';
import { randomNumbers } from './random';
import type { Compute, InputKind, Parity, Run } from './record';
import { Recorder } from './recorder';

const SEED = 1;

/** What all runs of one benchmark have in common. */
export interface Subject {
  bundle: string;
  manifest: Manifest;
  load: LoadOptions;
  pictures: Pictures;
  input: InputKind;
  lengths: Lengths;
  gflopPerPicture: number | null;
  peakGflops: number | null;
  parity: Parity | null;
  signal: AbortSignal;
}

function sender(model: LLM2CLIP, { inputs }: Pictures, picturesPerQuery: number): Send {
  const nth = (i: number) => inputs[i % inputs.length] as (typeof inputs)[number];
  if (picturesPerQuery === 1) return (index) => model.encodeImage(nth(index));
  return (index) =>
    model.encodeImages(
      Array.from({ length: picturesPerQuery }, (_, i) => nth(index * picturesPerQuery + i)),
    );
}

async function generate(plan: Plan, subject: Subject, model: LLM2CLIP, clock: Clock) {
  const recorder = new Recorder(plan.picturesPerQuery);
  const send = sender(model, subject.pictures, plan.picturesPerQuery);
  const limits = limitsOf(plan, subject.lengths);
  const options = { clock, recorder, send, limits, signal: subject.signal };
  const load =
    plan.rate === null
      ? closedLoop(options, plan.concurrency ?? 1)
      : openLoop(options, poisson(plan.rate, randomNumbers(SEED)));
  await abortable(load, subject.signal);
  return recorder;
}

function computeOf({ gflopPerPicture, peakGflops }: Subject, picturesPerSecond: number) {
  if (gflopPerPicture === null) return null;
  const gflops = gflopPerPicture * picturesPerSecond;
  const share = peakGflops === null ? null : gflops / peakGflops;
  return { gflopPerPicture, gflops, peakGflops, share } satisfies Compute;
}

function configurationOf(plan: Plan, { manifest, input }: Subject, { info }: LLM2CLIP) {
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
  subject: Subject,
  model: LLM2CLIP,
  recorder: Recorder,
  { joules, ...observed }: Observed,
): Run {
  const { stages, batches, engine } = model.stats();
  const { answered, pictures, refused, errors, picturesPerSecond, durationMs } = recorder;
  const run: Run = {
    scenario: plan.scenario,
    configuration: configurationOf(plan, subject, model),
    compliant: false,
    stable: recorder.isStable(plan.rate === null),
    durationMs,
    queries: answered,
    pictures,
    refused,
    errors,
    picturesPerSecond,
    latency: recorder.latency(),
    windows: recorder.windows(),
    stages,
    batches: { ...batches.sizes },
    engineUtilisation: engine.utilisation,
    ...observed,
    compute: computeOf(subject, picturesPerSecond),
    energy: joules === null ? null : { joules, joulesPerPicture: joules / Math.max(1, pictures) },
    parity: subject.parity,
    goodput: null,
  };
  return { ...run, compliant: isCompliant(run) };
}

/**
 * Loads the bundle anew, so that its counts are this run's alone (warm-up included), and asks it as
 * the plan says.
 *
 * @throws what LLM2CLIP.load throws; `signal.reason`
 */
export async function runPlan(plan: Plan, subject: Subject, clock = realClock): Promise<Run> {
  const model = await LLM2CLIP.load(subject.bundle, subject.load);
  try {
    const end = observe();
    let recorder: Recorder;
    let observed: Observed;
    try {
      recorder = await generate(plan, subject, model, clock);
    } finally {
      observed = end();
    }
    return summarise(plan, subject, model, recorder, observed);
  } finally {
    // Nobody waits for a batch whose embeddings are not wanted.
    if (!subject.signal.aborted) await model.dispose();
  }
}
