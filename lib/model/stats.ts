import type { SessionStats, Summary } from '../native';
import type { VectorCacheStats } from '../text/vector-cache';

export type { Summary };

/**
 * What a model has done since it was loaded. Several threads that load the same bundle with the same
 * options share one engine: `requests`, `queue`, `batches`, `engine` and the times of its stages are
 * of all of them together; decoding, delivery and copies are this thread's.
 */
export interface ModelStats extends EngineStats {
  /** Milliseconds of a picture in each stage; `run` of a batch. */
  stages: EngineStats['stages'] & { decode: Summary };
  /** The text side, where it is loaded: language model and adapter together. The rest is of pictures. */
  text?: EngineStats & { cache?: VectorCacheStats };
}

/** What the engines of one side have done; an image, a text or a feature is one request of them. */
export interface EngineStats {
  requests: {
    /** Taken in; those refused are not counted. */
    submitted: number;
    completed: number;
    failed: number;
    /** Met ERR_QUEUE_FULL. */
    refused: number;
    /** Met ERR_TIMEOUT in the queue or in a batch. */
    timedOut: number;
    /** Aborted, or asked for by a thread that has ended. */
    dropped: number;
  };
  queue: {
    /** Requests that wait for a batch now. */
    depth: number;
    /** Requests in the batch that runs and in the one that is being prepared. */
    inBatches: number;
  };
  batches: {
    count: number;
    meanSize: number;
    /** How many batches had so many requests. */
    sizes: Readonly<Record<number, number>>;
  };
  engine: {
    busyMs: number;
    /** Share of the time since loading in which the engine ran. */
    utilisation: number;
  };
  /** Milliseconds of a request in each stage; `run` of a batch. */
  stages: {
    preprocess: Summary;
    queue: Summary;
    run: Summary;
    deliver: Summary;
  };
  /** Copies of a caller's inputs, and of embeddings into JS memory. */
  copies: {
    input: Copies;
    output: Copies;
  };
}

/** Nanoseconds; a histogram of node:perf_hooks, whose types a program need not have. */
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

/** Copies, and their bytes. */
export interface Copies {
  count: number;
  bytes: number;
}

/** What happens to pictures before native code sees them. */
export interface DecodeStats {
  time: Times;
  copies: Copies;
}

function engineStats(session: SessionStats): EngineStats {
  const { submitted, completed, failed, refused, expired, dropped } = session;
  const { queued, inBatches, batchSizes, busyMs, openMs } = session;
  const { preprocess, queue, run, deliver } = session;
  const sizes = Object.entries(batchSizes).map(([size, count]) => [Number(size), count] as const);
  const count = sizes.reduce((sum, [, runs]) => sum + runs, 0);
  const inputs = sizes.reduce((sum, [size, runs]) => sum + size * runs, 0);
  return {
    requests: { submitted, completed, failed, refused, timedOut: expired, dropped },
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

/** Of a vision tower that is not there. */
function nothing(): SessionStats {
  const none = { count: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0 };
  return {
    ...{ submitted: 0, completed: 0, failed: 0, refused: 0, expired: 0, dropped: 0 },
    ...{ queued: 0, inBatches: 0, batchSizes: {}, busyMs: 0, openMs: 0 },
    ...{ inputCopies: 0, inputBytes: 0, outputCopies: 0, outputBytes: 0 },
    ...{ preprocess: none, queue: none, run: none, deliver: none },
  };
}

/** Of each side that is loaded. */
export interface PartStats {
  vision: { session: SessionStats; decoding: DecodeStats } | undefined;
  text: { session: SessionStats; cache: VectorCacheStats | undefined } | undefined;
}

export function modelStats({ vision, text }: PartStats): ModelStats {
  const { session = nothing(), decoding } = vision ?? {};
  const pictures = engineStats(session);
  const { input, output } = pictures.copies;
  const { count, bytes } = decoding?.copies ?? { count: 0, bytes: 0 };
  return {
    ...pictures,
    stages: { ...pictures.stages, decode: summarise(decoding?.time) },
    copies: { input: { count: count + input.count, bytes: bytes + input.bytes }, output },
    ...(text && {
      text: { ...engineStats(text.session), ...(text.cache && { cache: text.cache }) },
    }),
  };
}
