// Makes a deterministic benchmark record as a small machine would.
import {
  type Comparison,
  type Configuration,
  type Contestant,
  type Latency,
  type Parity,
  type Report,
  type Run,
  SCHEMA_VERSION,
  type Scenario,
  type StageTime,
} from '#lib/bench/record';

/** A name with characters that need escaping. */
export const MODEL = 'eva02, 336 px, 304,292,608 parameters <synthetic & "quoted">';

const MAX_BATCH = 8;
const REFERENCE = 'llm2clip fp32';
const GATES: Readonly<Record<string, number>> = { fp32: 0.9999, bf16: 0.999, int8: 0.99 };
const COSINES: Readonly<Record<string, number>> = {
  fp32: 0.9999997,
  bf16: 0.9997214,
  int8: 0.9713,
};

export function parityOf(precision: string): Parity {
  const [gate, minCosine] = [GATES[precision] ?? 0.999, COSINES[precision] ?? 0.9995];
  const passed = minCosine >= gate;
  const topK = { k: 5, agreement: passed ? 0.9875 : 0.61 };
  return { reference: REFERENCE, pictures: 32, minCosine, topK, gate, passed };
}

/**
 * Makes buckets like Recorder's, ten per octave, with a bell-shaped distribution and a tail to the
 * right.
 */
function buckets(median: number, spread: number, count: number): [number, number][] {
  const middle = Math.round(10 * Math.log2(median));
  const steps = Array.from({ length: Math.ceil(7 * spread) }, (_, i) => i - Math.ceil(2 * spread));
  const weight = (step: number) => Math.exp((-0.5 * (step / spread) ** 2) / (step > 0 ? 3 : 1));
  const sum = steps.reduce((total, step) => total + weight(step), 0);
  return steps
    .map((step): [number, number] => [
      2 ** ((middle + step) / 10),
      Math.round((count * weight(step)) / sum),
    ])
    .filter(([, times]) => times > 0);
}

export function latencyOf(median: number, spread: number, queries: number): Latency {
  const found = buckets(median, spread, queries);
  const count = found.reduce((sum, [, times]) => sum + times, 0);
  const at = (share: number) => {
    let left = share * count;
    for (const [ms, times] of found) {
      left -= times;
      if (left <= 0) return ms;
    }
    return 0;
  };
  return {
    count,
    mean: found.reduce((sum, [ms, times]) => sum + ms * times, 0) / count,
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    p999: at(0.999),
    max: at(1),
    buckets: found,
  };
}

function stage(mean: number, count: number): StageTime {
  return { count, mean, p50: 0.96 * mean, p95: 1.2 * mean, p99: 1.5 * mean, max: 2.3 * mean };
}

function batchesOf(mean: number, images: number): Record<string, number> {
  const sizes = Array.from({ length: MAX_BATCH }, (_, i) => i + 1);
  const weight = (size: number) => Math.exp((-0.9 * (size - mean) ** 2) / Math.max(0.1, mean - 1));
  const sum = sizes.reduce((total, size) => total + size * weight(size), 0);
  const counts = sizes.map((size) => [size, Math.round((images * weight(size)) / sum)] as const);
  return Object.fromEntries(counts.filter(([, times]) => times > 0));
}

const SPEED: Readonly<Record<string, number>> = { fp32: 2.1, bf16: 5.9, int8: 7.4 };

export function runOf(
  scenario: Scenario,
  precision: string,
  pace: Partial<Pick<Configuration, 'concurrency' | 'rate' | 'picturesPerQuery'>>,
  load: { pictures: number; batch: number; queue: number; spread: number },
): Run {
  const speed = SPEED[precision] ?? 1;
  const inBatch = (1000 * load.batch) / speed;
  const queries = 600;
  const query = (inBatch + load.queue + 9) * (pace.picturesPerQuery ?? 1) ** 0.9;
  const configuration: Configuration = {
    ...{ model: MODEL, engine: 'torchscript (kernels)', precision, device: 'cpu', threads: 2 },
    ...{ maxBatch: MAX_BATCH, input: 'path', picturesPerQuery: 1, concurrency: null, rate: null },
    ...pace,
  };
  return {
    scenario,
    configuration,
    compliant: scenario === 'single-stream',
    stable: scenario !== 'rate',
    durationMs: (1000 * queries) / load.pictures,
    queries,
    pictures: queries * configuration.picturesPerQuery,
    refused: scenario === 'server' ? 3 : 0,
    errors: scenario === 'server' ? { ERR_TIMEOUT: 1 } : {},
    picturesPerSecond: load.pictures,
    latency: latencyOf(query, load.spread, queries),
    windows: [1, 1.02, 0.99].map((x) => ({ picturesPerSecond: x * load.pictures, p50: query / x })),
    stages: {
      decode: stage(6.4, queries),
      preprocess: stage(1.9, queries),
      queue: stage(load.queue, queries),
      run: stage(inBatch, Math.round(queries / load.batch)),
      deliver: stage(0.21, queries),
    },
    batches: batchesOf(load.batch, queries),
    engineUtilisation: Math.min(0.98, load.pictures / speed),
    eventLoopDelay: { p99: 1.31, max: 8.7 },
    gc: { count: 41, total: 63.2, max: 4.1 },
    memory: { rssPeakBytes: 1_427_734_528, externalPeakBytes: 41_943_040 },
    compute: {
      gflopPerPicture: 382,
      gflops: 382 * load.pictures,
      peakGflops: 382 * 1.3 * speed,
      share: load.pictures / (1.3 * speed),
    },
    energy: precision === 'bf16' ? { joules: 4210, joulesPerPicture: 7.02 } : null,
    parity: parityOf(precision),
    goodput: null,
  };
}

/**
 * Makes runs of a sweep over callers: throughput saturates, and latency follows by Little's law.
 */
function sweepOf(precision: string): Run[] {
  return [1, 2, 4, 8, 16].map((concurrency) => {
    const images = (SPEED[precision] ?? 1) * (1 - 0.35 / concurrency);
    const batch = Math.min(MAX_BATCH, Math.max(1, concurrency / 2));
    const queue = 60 * (concurrency - 1);
    return runOf(
      'concurrency',
      precision,
      { concurrency },
      { pictures: images, batch, queue, spread: 3 },
    );
  });
}

function ratesOf(precision: string): Run[] {
  return [0.2, 0.4, 0.6, 0.8, 0.9].map((share) => {
    const rate = share * (SPEED[precision] ?? 1);
    const load = { pictures: rate, batch: 1 + 2 * share, queue: (40 * share) / (1 - share) };
    return runOf('rate', precision, { rate }, { ...load, spread: 4 + 6 * share });
  });
}

function scenariosOf(precision: string): Run[] {
  const speed = SPEED[precision] ?? 1;
  const quick = { pictures: 0.62 * speed, batch: 1, queue: 0.3, spread: 1.2 };
  const full = { pictures: speed, batch: 7.4, queue: 1300, spread: 2 };
  const served = { pictures: 0.8 * speed, batch: 2.6, queue: 160, spread: 8 };
  const goodput = { percentile: 'p999', boundMs: 1500, rate: 0.55 * speed };
  const bounded = runOf(
    'slo',
    precision,
    { rate: 0.55 * speed },
    { ...served, pictures: 0.55 * speed, queue: 90 },
  );
  return [
    runOf('single-stream', precision, { concurrency: 1 }, quick),
    runOf(
      'multi-stream',
      precision,
      { concurrency: 1, picturesPerQuery: 8 },
      { ...full, pictures: 0.93 * speed, queue: 9 },
    ),
    runOf('offline', precision, { concurrency: 2 * MAX_BATCH }, full),
    runOf('server', precision, { rate: 0.8 * speed }, served),
    { ...bounded, goodput },
  ];
}

function contestant(
  name: string,
  precision: string,
  seconds: number,
  batch: number,
  ratio: number | null,
): Contestant {
  const at = (share: number) => 1000 * seconds * share;
  const versions = { [name]: name === 'llm2clip' ? '0.1.0' : '1.2.3' };
  return {
    ...{ name, status: 'measured', reason: null, precision, versions },
    seconds: [0.99, 1, 1.01].map((share) => share * seconds),
    oursSeconds: null,
    p50: at(1),
    p99: at(1.08),
    picturesPerSecond: batch / seconds,
    parity: parityOf(precision),
    eventLoopDelayMax: 4.2,
    ratio: ratio === null ? null : { value: ratio, low: 0.98 * ratio, high: 1.02 * ratio },
  };
}

/**
 * Makes a comparison of ours, a slower peer, an equal one, one that fails parity and a missing one.
 */
export function comparisonOf(batch: number): Comparison {
  const ours = (batch ** 0.92 * 1) / 5.9;
  const torch = batch === 1 ? 1.14 : 1.004;
  const missing = contestant('openvino', 'bf16', 0, batch, null);
  return {
    ...{ model: MODEL, device: 'cpu', threads: 2, batch, rounds: 40 },
    contestants: [
      contestant('llm2clip', 'bf16', ours, batch, null),
      contestant('onnxruntime-node', 'fp32', 2.9 * ours, batch, 2.9),
      contestant('torch <eager>', 'bf16', torch * ours, batch, torch),
      contestant('onnxruntime int8', 'int8', 0.7 * ours, batch, null),
      {
        ...missing,
        ...{ status: 'skipped', reason: 'not installed;\n run: npm install openvino-node' },
        ...{ seconds: [], p50: 0, p99: 0, picturesPerSecond: 0, parity: null },
      },
    ],
  };
}

/** Makes a report in which int8 would be the fastest but fails parity in every run. */
export function fullReport(): Report {
  const int8 = scenariosOf('int8').slice(0, 3);
  return {
    schemaVersion: SCHEMA_VERSION,
    command: 'llm2clip bench model.bundle --images "photos & <more>" --html report.html',
    date: '2026-11-24T05:15:01.423Z',
    interrupted: false,
    machine: {
      ...{ cpu: 'AMD EPYC 9R14', cores: 2, features: ['avx2', 'fma', 'avx512f', 'avx512_bf16'] },
      ...{ memoryBytes: 16 * 2 ** 30, gpu: null, driver: null, platform: 'linux-x64' },
      kernel: '6.1.0',
      versions: { node: '20.20.2', llm2clip: '0.1.0', libtorch: '2.9.1', sharp: '0.35.5' },
    },
    runs: [
      ...int8,
      ...['bf16', 'fp32'].flatMap((precision) => scenariosOf(precision)),
      ...['bf16', 'fp32'].flatMap((precision) => [...sweepOf(precision), ...ratesOf(precision)]),
    ],
    comparisons: [comparisonOf(1), comparisonOf(8)],
  };
}
