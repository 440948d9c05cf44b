import type { SessionStats, Summary } from '../native';
import type { VectorCacheStats } from '../text/vector-cache';

export type { Summary };

/**
 * The activity of a model since it was loaded. Threads that load the same bundle with the same
 * options share one engine: `requests`, `queue`, `batches`, `engine` and the times of its stages
 * cover all of them. Decoding, delivery and copies are those of this thread.
 */
export interface ModelStats extends EngineStats {
  /** Milliseconds per image in each stage; `run` is per batch. */
  stages: EngineStats['stages'] & { decode: Summary };
  /**
   * The text side, if it is loaded: language model and adapter together. All other fields are about
   * images.
   */
  text?: EngineStats & { cache?: VectorCacheStats };
}

/** The activity of the engines of one side. Each image, text or feature is one request. */
export interface EngineStats {
  requests: {
    /** Accepted requests; refused ones are not counted. */
    submitted: number;
    completed: number;
    failed: number;
    /** Requests refused with ERR_QUEUE_FULL. */
    refused: number;
    /** Requests that failed with ERR_TIMEOUT, in the queue or in a batch. */
    timedOut: number;
    /** Requests that were aborted, or whose thread has ended. */
    dropped: number;
  };
  queue: {
    /** Number of requests that are waiting for a batch now. */
    depth: number;
    /** Number of requests in the running batch and in the one that is being prepared. */
    inBatches: number;
  };
  batches: {
    count: number;
    meanSize: number;
    /** Number of batches by their number of requests. */
    sizes: Readonly<Record<number, number>>;
  };
  engine: {
    busyMs: number;
    /** Fraction of the time since loading in which the engine was running. */
    utilisation: number;
  };
  /** Milliseconds per request in each stage; `run` is per batch. */
  stages: {
    preprocess: Summary;
    queue: Summary;
    run: Summary;
    deliver: Summary;
  };
  /** Copies of callers' inputs, and of embeddings into JavaScript memory. */
  copies: {
    input: Copies;
    output: Copies;
  };
}

/**
 * Times in nanoseconds. A histogram of node:perf_hooks, declared here because a program may not
 * have its types.
 */
export interface Times {
  readonly count: number;
  readonly mean: number;
  readonly max: number;
  percentile(percentile: number): number;
  record(nanoseconds: number): void;
}

function summarise(histogram: Times | undefined): Summary {
  const ms = (nanoseconds: number) => nanoseconds / 1e6;
  if (histogram === undefined || histogram.count === 0)
    return { count: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0 };
  return {
    count: histogram.count,
    mean: ms(histogram.mean),
    p50: ms(histogram.percentile(50)),
    p95: ms(histogram.percentile(95)),
    p99: ms(histogram.percentile(99)),
    max: ms(histogram.max),
  };
}

/** Number of copies and their bytes. */
export interface Copies {
  count: number;
  bytes: number;
}

/** The work on images before native code gets them. */
export interface DecodeStats {
  time: Times;
  copies: Copies;
}

function engineStats(session: SessionStats): EngineStats {
  const { submitted, completed, failed, refused, timedOut, dropped } = session;
  const { queued, inBatches, batchSizes, busyMs, openMs } = session;
  const { preprocess, queue, run, deliver } = session;
  const sizes = Object.entries(batchSizes).map(([size, count]) => [Number(size), count] as const);
  const count = sizes.reduce((sum, [, runs]) => sum + runs, 0);
  const inputs = sizes.reduce((sum, [size, runs]) => sum + size * runs, 0);
  return {
    requests: { submitted, completed, failed, refused, timedOut, dropped },
    queue: { depth: queued, inBatches },
    batches: { count, meanSize: count === 0 ? 0 : inputs / count, sizes: batchSizes },
    engine: { busyMs, utilisation: openMs === 0 ? 0 : busyMs / openMs },
    stages: { preprocess, queue, run, deliver },
    copies: {
      input: { count: session.inputCopies, bytes: session.inputBytes },
      output: { count: session.outputCopies, bytes: session.outputBytes },
    },
  };
}

/** Returns the statistics of a missing vision tower. */
function nothing(): SessionStats {
  const none = { count: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0 };
  return {
    ...{ submitted: 0, completed: 0, failed: 0, refused: 0, timedOut: 0, dropped: 0 },
    ...{ queued: 0, inBatches: 0, batchSizes: {}, busyMs: 0, openMs: 0 },
    ...{ inputCopies: 0, inputBytes: 0, outputCopies: 0, outputBytes: 0 },
    ...{ preprocess: none, queue: none, run: none, deliver: none },
  };
}

/** The statistics of each loaded side. */
export interface PartStats {
  vision: { session: SessionStats; decoding: DecodeStats } | undefined;
  text: { session: SessionStats; cache: VectorCacheStats | undefined } | undefined;
}

export function modelStats({ vision, text }: PartStats): ModelStats {
  const { session = nothing(), decoding } = vision ?? {};
  const images = engineStats(session);
  const { input, output } = images.copies;
  const { count, bytes } = decoding?.copies ?? { count: 0, bytes: 0 };
  return {
    ...images,
    stages: { ...images.stages, decode: summarise(decoding?.time) },
    copies: { input: { count: count + input.count, bytes: bytes + input.bytes }, output },
    ...(text && {
      text: { ...engineStats(text.session), ...(text.cache && { cache: text.cache }) },
    }),
  };
}
