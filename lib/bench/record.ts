// What a benchmark leaves: the shape of its JSON file. docs/formats.md describes it to others.

/** Raised whenever a reader of the old shape would be misled. */
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
/** What a request carries: a file's path or bytes, 8-bit pixels, or preprocessed float pixels. */
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
  /** By name: node, llm2clip, libtorch, sharp, … */
  versions: Record<string, string>;
}

/** Milliseconds. `buckets` are the whole distribution: how many queries took at most so long. */
export interface Latency {
  count: number;
  mean: number;
  p50: number;
  p90: number;
  p95: number;
  p99: number;
  p999: number;
  max: number;
  /** [upper bound in ms, how many], ascending. */
  buckets: [number, number][];
}

/** A stretch of a run; a run is stable when its last three agree within 10 %. */
export interface Window {
  picturesPerSecond: number;
  p50: number;
}

/** Milliseconds of a picture in each stage; `run` of a batch. */
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

/** How the embeddings of the run's pictures compare with those of an fp32 engine. */
export interface Parity {
  /** What they were compared with. */
  reference: string;
  pictures: number;
  minCosine: number;
  /** Share of each picture's k nearest others, by cosine, that are the same; null for too few. */
  topK: { k: number; agreement: number } | null;
  /** Least cosine that passes, by precision. */
  gate: number;
  passed: boolean;
}

/** What was run, and how: two runs of the same configuration may be compared. */
export interface Configuration {
  model: string;
  engine: string;
  precision: string;
  device: string;
  threads: number;
  maxBatch: number;
  input: InputKind;
  /** Of a picture that is asked for, by the scenario: pictures a query, callers, queries a second. */
  picturesPerQuery: number;
  concurrency: number | null;
  rate: number | null;
}

export interface Compute {
  /** Multiplications and additions of one picture, in 10⁹ operations. */
  gflopPerPicture: number;
  gflops: number;
  /** The engine's fastest matrix product of this model's shapes, in this precision. */
  peakGflops: number | null;
  /** gflops / peakGflops */
  share: number | null;
}

export interface Run {
  scenario: Scenario;
  configuration: Configuration;
  /** Long enough, and of enough queries, for MLPerf. */
  compliant: boolean;
  stable: boolean;
  durationMs: number;
  queries: number;
  /** Embedded. */
  pictures: number;
  /** Queries that met ERR_QUEUE_FULL. */
  refused: number;
  /** Queries that failed otherwise, by code. */
  errors: Record<string, number>;
  picturesPerSecond: number;
  /** Of a query; from the time it was due where queries come at a rate. */
  latency: Latency;
  windows: Window[];
  stages: Record<Stage, StageTime>;
  /** How many batches held so many pictures. */
  batches: Record<string, number>;
  engineUtilisation: number;
  /** How late a timer was that was due every 20 ms, in milliseconds. */
  eventLoopDelay: { p99: number; max: number };
  /** Milliseconds. */
  gc: { count: number; total: number; max: number };
  /** Resident at most, loading included; outside V8's heap at most, looked at twice a second. */
  memory: { rssPeakBytes: number; externalPeakBytes: number };
  compute: Compute | null;
  /** Of the whole processor package, where the machine counts it. */
  energy: { joules: number; joulesPerPicture: number } | null;
  parity: Parity | null;
  /** Only of scenario 'slo': the bound, and the highest rate that kept it; 0 where none did. */
  goodput: { percentile: string; boundMs: number; rate: number } | null;
}

export type ContestantStatus = 'measured' | 'skipped' | 'failed';

/** One engine in a comparison, ours among them. */
export interface Contestant {
  name: string;
  status: ContestantStatus;
  /** Why it was skipped or failed. */
  reason: string | null;
  precision: string;
  versions: Record<string, string>;
  /** Seconds of a batch, a value a round. */
  seconds: number[];
  /** Ours in the same rounds; null for ours, and where ours failed. */
  oursSeconds: number[] | null;
  /** Milliseconds of a batch. */
  p50: number;
  p99: number;
  picturesPerSecond: number;
  parity: Parity | null;
  /** Longest the process's event loop was held up, in ms; null outside Node. */
  eventLoopDelayMax: number | null;
  /** This one's time over ours; null for ours, and for those that are not ranked. */
  ratio: { value: number; low: number; high: number } | null;
  /** Null where it was not timed alone; older records do not have it. */
  alone?: Alone | null;
}

/** A contestant's time as the only one that is open, beside its time in the comparison. */
export interface Alone {
  /** Seconds of a batch, a value a turn: before all were opened, and after all were closed. */
  before: number[];
  after: number[];
  /** Its median time in company over that alone, which is the mean of both medians. */
  ratio: number;
  /** Whether the ratio is within 3 % of 1. */
  agrees: boolean;
}

/**
 * Contestants on the same preprocessed pictures, turn by turn in one run. One runs at a time, the
 * others' processes are stopped; older records leave them waiting.
 */
export interface Comparison {
  model: string;
  device: string;
  threads: number;
  batch: number;
  rounds: number;
  /** The first is ours, which the others' ratios are to. */
  contestants: Contestant[];
  /** Names of those that were open at once: several groups where memory did not hold all. */
  groups?: string[][];
}

export interface Report {
  schemaVersion: typeof SCHEMA_VERSION;
  command: string;
  /** ISO 8601. */
  date: string;
  /** Ended by Ctrl-C: what was finished is here. */
  interrupted: boolean;
  machine: Machine;
  runs: Run[];
  comparisons: Comparison[];
}
