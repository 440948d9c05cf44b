// The shape of a benchmark's JSON file, which docs/formats.md describes for other programs.

/** Increased whenever a reader of the old shape would misread the new one. */
export const SCHEMA_VERSION = 2;

export const SCENARIOS = [
  'single-stream',
  'multi-stream',
  'offline',
  'server',
  'concurrency',
  'rate',
  'slo',
] as const;
export type Scenario = (typeof SCENARIOS)[number];

export const INPUT_KINDS = ['path', 'encoded', 'raw', 'preprocessed'] as const;
/**
 * The form of an image in a request: a file's path or bytes, 8-bit pixels, or preprocessed floats.
 */
export type InputKind = (typeof INPUT_KINDS)[number];

export interface Machine {
  cpu: string;
  cores: number;
  features: string[];
  memoryBytes: number;
  gpu: string | null;
  driver: string | null;
  platform: string;
  kernel: string;
  /** Versions by name: node, llm2clip, libtorch, sharp and others. */
  versions: Record<string, string>;
}

/** Latency in milliseconds. `buckets` hold the whole distribution. */
export interface Latency {
  count: number;
  mean: number;
  p50: number;
  p90: number;
  p95: number;
  p99: number;
  p999: number;
  max: number;
  /** [upper bound in ms, number of queries], ascending. */
  buckets: [number, number][];
}

/** A part of a run. A run is stable if its last three windows agree within 10 %. */
export interface Window {
  picturesPerSecond: number;
  p50: number;
}

/** Time of an image in each stage, in milliseconds; `run` is the time of a batch. */
export interface StageTime {
  count: number;
  mean: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

export const STAGES = ['decode', 'preprocess', 'queue', 'run', 'deliver'] as const;
export type Stage = (typeof STAGES)[number];

/** Comparison of the run's embeddings with those of an fp32 engine. */
export interface Parity {
  /** Name of the fp32 engine. */
  reference: string;
  pictures: number;
  minCosine: number;
  /**
   * Fraction of each image's k nearest neighbours that are the same; null if there are too few
   * images.
   */
  topK: { k: number; agreement: number } | null;
  /** Lowest cosine that passes; it depends on the precision. */
  gate: number;
  passed: boolean;
}

/** What was run, and how. Runs of the same configuration can be compared. */
export interface Configuration {
  model: string;
  engine: string;
  precision: string;
  device: string;
  threads: number;
  maxBatch: number;
  input: InputKind;
  /** The load of the scenario: images per query, number of callers, queries per second. */
  picturesPerQuery: number;
  concurrency: number | null;
  rate: number | null;
}

export interface Compute {
  /** Multiplications and additions per image, in 10⁹ operations. */
  gflopPerPicture: number;
  gflops: number;
  /** Speed of the engine's fastest matrix product of this model's shapes, in this precision. */
  peakGflops: number | null;
  /** gflops / peakGflops. */
  share: number | null;
}

export interface Run {
  scenario: Scenario;
  configuration: Configuration;
  /** Whether the run was long enough, and had enough queries, for MLPerf. */
  compliant: boolean;
  stable: boolean;
  durationMs: number;
  queries: number;
  /** Number of images encoded. */
  pictures: number;
  /** Number of queries that failed with ERR_QUEUE_FULL. */
  refused: number;
  /** Number of queries that failed otherwise, by code. */
  errors: Record<string, number>;
  picturesPerSecond: number;
  /** Latency of a query; if queries come at a rate, from the time when it was due. */
  latency: Latency;
  windows: Window[];
  stages: Record<Stage, StageTime>;
  /** Number of batches by batch size. */
  batches: Record<string, number>;
  engineUtilisation: number;
  /** Delay of a timer that was due every 20 ms, in milliseconds. */
  eventLoopDelay: { p99: number; max: number };
  /** Garbage collections: their number, and their total and longest time in milliseconds. */
  gc: { count: number; total: number; max: number };
  /**
   * Peak resident memory, including loading, and peak memory outside V8's heap, sampled twice a
   * second.
   */
  memory: { rssPeakBytes: number; externalPeakBytes: number };
  compute: Compute | null;
  /** Energy of the whole processor package, if the machine counts it. */
  energy: { joules: number; joulesPerPicture: number } | null;
  parity: Parity | null;
  /** Only for scenario 'slo': the bound, and the highest rate that met it, or 0 if none did. */
  goodput: { percentile: string; boundMs: number; rate: number } | null;
}

export type ContestantStatus = 'measured' | 'skipped' | 'failed';

/** An engine in a comparison; ours is one of them. */
export interface Contestant {
  name: string;
  status: ContestantStatus;
  /** The reason why it was skipped or failed. */
  reason: string | null;
  precision: string;
  versions: Record<string, string>;
  /** Time of a batch in seconds, one value per round. */
  seconds: number[];
  /** Our times in the same rounds; null for ours, and if ours failed. */
  oursSeconds: number[] | null;
  /** Median time of a batch in milliseconds. */
  p50: number;
  p99: number;
  picturesPerSecond: number;
  parity: Parity | null;
  /** Longest delay of the process's event loop, in ms; null outside Node. */
  eventLoopDelayMax: number | null;
  /** Its time divided by ours; null for ours and for contestants that are not ranked. */
  ratio: { value: number; low: number; high: number } | null;
  /** Null if it was not timed alone. Older records do not have this field. */
  alone?: Alone | null;
}

/** A contestant's time as the only open one, and its relation to its time in the comparison. */
export interface Alone {
  /** Seconds per batch, one value per turn: `before` all were opened, `after` all were closed. */
  before: number[];
  after: number[];
  /** Its median time in the comparison divided by that alone, which is the mean of both medians. */
  ratio: number;
  /** Whether the ratio is within 3 % of 1. */
  agrees: boolean;
}

/**
 * Contestants that took turns on the same preprocessed images. While one runs, the processes of the
 * others are stopped; in older records they were waiting.
 */
export interface Comparison {
  model: string;
  device: string;
  threads: number;
  batch: number;
  rounds: number;
  /** The first is ours; the ratios of the others refer to it. */
  contestants: Contestant[];
  /** Names of contestants that were open together. There are several groups if memory was short. */
  groups?: string[][];
}

export interface Report {
  schemaVersion: typeof SCHEMA_VERSION;
  command: string;
  /** ISO 8601. */
  date: string;
  /** Whether Ctrl-C ended the benchmark. The record then holds the finished runs. */
  interrupted: boolean;
  machine: Machine;
  runs: Run[];
  comparisons: Comparison[];
}
