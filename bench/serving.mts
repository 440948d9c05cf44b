// Measures the cost of serving and its behaviour under load, through the public API and over an
// engine whose runs take a set time (csrc/tests/fake_engine.cpp).
//
//   node --import tsx bench/serving.mts [--seconds N] [--out FILE]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHistogram, type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { convert, LLM2CLIP as Real } from 'llm2clip';
import { CHECKPOINT, digits } from '../test/support/digits.mts';
import {
  fakeBundle,
  fakePackage,
  fakePixels,
  fakeTextBundle,
  requireFake,
} from '../test/support/fake-engine.mts';

const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '5' }, out: { type: 'string' } },
});
const seconds = Number(options.seconds);
const folder = mkdtempSync(join(tmpdir(), 'llm2clip-serving-'));
const { LLM2CLIP } = requireFake(fakePackage(join(folder, 'package')));
type Model = Awaited<ReturnType<typeof LLM2CLIP.load>>;

const pixels = fakePixels(1);
const codeOf = (error: unknown) => (error as { code?: string }).code;

interface Percentiles {
  count: number;
  p50: number;
  p99: number;
  max: number;
}

function microseconds(histogram: ReturnType<typeof createHistogram>): Percentiles {
  const us = (ns: number) => Math.round(ns / 100) / 10;
  const { count, max } = histogram;
  return {
    count,
    p50: us(histogram.percentile(50)),
    p99: us(histogram.percentile(99)),
    max: us(max),
  };
}

async function timed(body: () => Promise<unknown>, into: ReturnType<typeof createHistogram>) {
  const started = process.hrtime.bigint();
  await body();
  into.record(process.hrtime.bigint() - started);
}

/** Runs `callers` callers for some seconds. Each has one pending request at a time. */
async function closedLoop(
  model: Model,
  callers: number,
  duration: number,
  request: () => Promise<unknown> = () => model.encodeImage(pixels),
) {
  const latency = createHistogram();
  const end = performance.now() + 1000 * duration;
  const caller = async () => {
    while (performance.now() < end) await timed(request, latency);
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: callers }, caller));
  return { perSecond: latency.count / ((performance.now() - started) / 1000), latency };
}

/** Sends requests at a fixed rate, whether or not earlier ones have been answered. */
async function openLoop(model: Model, perSecond: number, duration: number) {
  const accepted = createHistogram();
  const refused = createHistogram();
  const started = performance.now();
  const pending: Promise<void>[] = [];
  let sent = 0;
  while (performance.now() - started < 1000 * duration) {
    const due = ((performance.now() - started) / 1000) * perSecond;
    for (; sent < due; sent++) {
      const begin = process.hrtime.bigint();
      pending.push(
        model.encodeImage(pixels).then(
          () => accepted.record(process.hrtime.bigint() - begin),
          (error) => {
            if (codeOf(error) !== 'ERR_QUEUE_FULL') throw error;
            refused.record(process.hrtime.bigint() - begin);
          },
        ),
      );
    }
    await sleep(1);
  }
  await Promise.all(pending);
  return { sent, accepted, refused };
}

async function load(us: number, batching: object): Promise<Model> {
  const bundle = await fakeBundle(join(folder, `fake-${us}`), us);
  return LLM2CLIP.load(bundle, { batching });
}

async function overhead() {
  await using model = await load(0, { maxBatch: 64 });
  await closedLoop(model, 64, 1);
  const throughput = await closedLoop(model, 64, seconds);
  const single = await closedLoop(model, 1, seconds);
  return {
    requestsPerSecond: Math.round(throughput.perSecond),
    meanBatch: model.stats().batches.meanSize,
    singleStreamMicroseconds: microseconds(single.latency),
  };
}

/** Of texts, each of which is tokenised and goes through language model and adapter. */
async function textOverhead() {
  const bundle = await fakeTextBundle(join(folder, 'fake-texts'), 0);
  await using model = await LLM2CLIP.load(bundle, { textCache: false });
  const request = () => model.encodeText('a photo of a cat');
  await closedLoop(model, 64, 1, request);
  const throughput = await closedLoop(model, 64, seconds, request);
  const single = await closedLoop(model, 1, seconds, request);
  return {
    requestsPerSecond: Math.round(throughput.perSecond),
    singleStreamMicroseconds: microseconds(single.latency),
  };
}

async function batching(maxBatch: number) {
  await using model = await load(5000, { maxBatch });
  await closedLoop(model, 64, 1);
  const before = model.stats();
  const started = performance.now();
  await closedLoop(model, 64, seconds);
  const after = model.stats();
  const batches = after.batches.count - before.batches.count;
  return {
    callers: 64,
    maxBatch,
    meanBatch: (after.requests.completed - before.requests.completed) / batches,
    engineBusy: (after.engine.busyMs - before.engine.busyMs) / (performance.now() - started),
  };
}

async function overload() {
  const maxBatch = 8;
  const capacity = maxBatch / 0.005;
  await using model = await load(5000, { maxBatch, maxQueue: 3 * maxBatch });
  await openLoop(model, 0.5 * capacity, 1);
  const calm = await openLoop(model, 0.8 * capacity, seconds);
  const flood = await openLoop(model, 10 * capacity, seconds);
  const again = performance.now();
  await model.encodeImage(pixels);
  const recovery = performance.now() - again;
  const [p99, calmP99] = [microseconds(flood.accepted).p99, microseconds(calm.accepted).p99];
  return {
    at80Percent: { accepted: microseconds(calm.accepted), refused: calm.refused.count },
    at1000Percent: {
      accepted: microseconds(flood.accepted),
      refused: microseconds(flood.refused),
    },
    acceptedP99Ratio: p99 / calmP99,
    recoveryMs: recovery,
  };
}

/**
 * Measures how long a call of stats() takes, and how much ten calls per second cost other requests.
 * The turns are in the order A B B A.
 */
async function statsCost() {
  await using model = await load(0, { maxBatch: 64 });
  await closedLoop(model, 64, 1);
  const calls = 1000;
  const started = performance.now();
  for (let i = 0; i < calls; i++) model.stats();
  const microsecondsPerCall = (1000 * (performance.now() - started)) / calls;
  const rates: { watched: number[]; unwatched: number[] } = { watched: [], unwatched: [] };
  for (let round = 0; round < 16; round++) {
    const watched = round % 4 === 0 || round % 4 === 3;
    const timer = watched ? setInterval(() => model.stats(), 100) : undefined;
    const { perSecond } = await closedLoop(model, 64, seconds / 8);
    clearInterval(timer);
    rates[watched ? 'watched' : 'unwatched'].push(perSecond);
  }
  const mean = (all: number[]) => all.reduce((sum, x) => sum + x, 0) / all.length;
  return { microsecondsPerCall, throughputRatio: mean(rates.watched) / mean(rates.unwatched) };
}

async function eventLoopDelay(body: () => Promise<unknown>) {
  const delay: IntervalHistogram = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await body();
  delay.disable();
  return { p99Ms: delay.percentile(99) / 1e6, maxMs: delay.max / 1e6 };
}

/** Runs the tiny real engine on images decoded from files, with enough callers to fill batches. */
async function tinyRealEngine() {
  const bundle = join(folder, 'digits');
  await convert(CHECKPOINT, { out: bundle });
  await using model = await Real.load(bundle, { batching: { maxBatch: 32 } });
  const images = digits('heldout');
  let encoded = 0;
  const end = performance.now() + 1000 * seconds;
  const caller = async (first: number) => {
    for (let i = first; performance.now() < end; i++, encoded++) {
      await model.encodeImage(images[i % images.length] as string);
    }
  };
  const callers = Array.from({ length: 64 }, (_, i) => i);
  const delay = await eventLoopDelay(() => Promise.all(callers.map(caller)));
  return { eventLoopDelay: delay, imagesPerSecond: Math.round(encoded / seconds) };
}

const record = {
  command: `node --import tsx bench/serving.mts ${process.argv.slice(2).join(' ')}`.trim(),
  date: new Date().toISOString(),
  machine: { cpu: cpus()[0]?.model, cores: availableParallelism(), node: process.version },
  overhead: await overhead(),
  textOverhead: await textOverhead(),
  batching: [await batching(8), await batching(32)],
  overload: await overload(),
  statsCost: await statsCost(),
  eventLoopDelay: await eventLoopDelay(async () => {
    await using model = await load(5000, { maxBatch: 32 });
    await closedLoop(model, 64, seconds);
  }),
  tinyRealEngine: await tinyRealEngine(),
};
rmSync(folder, { recursive: true });
const text = JSON.stringify(record, null, 2);
if (options.out === undefined) console.log(text);
else writeFileSync(options.out, `${text}\n`);
