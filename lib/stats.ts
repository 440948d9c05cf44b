import type { RecordableHistogram } from 'node:perf_hooks';
import type { SessionStats, Summary } from './native';

export type { Summary };

/**
 * What a model has done since it was loaded. Several threads that load the same bundle with the same
 * options share one engine: `requests`, `queue`, `batches`, `engine` and the times of its stages are
 * of all of them together; decoding, delivery and copies are this thread's.
 */
export interface ModelStats {
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
    /** Pictures that wait for a batch now. */
    depth: number;
    /** Pictures in the batch that runs and in the one that is being prepared. */
    inBatches: number;
  };
  batches: {
    count: number;
    meanSize: number;
    /** How many batches had so many pictures. */
    sizes: Readonly<Record<number, number>>;
  };
  engine: {
    busyMs: number;
    /** Share of the time since loading in which the engine ran. */
    utilisation: number;
  };
  /** Milliseconds of a picture in each stage; `run` of a batch. */
  stages: {
    decode: Summary;
    preprocess: Summary;
    queue: Summary;
    run: Summary;
    deliver: Summary;
  };
  /** Copies of a caller's pictures, and of embeddings into JS memory. */
  copies: {
    input: Copies;
    output: Copies;
  };
}

/** A histogram of nanoseconds. */
function summarise(histogram: RecordableHistogram): Summary {
  const ms = (nanoseconds: number) => nanoseconds / 1e6;
  if (histogram.count === 0) return { count: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0 };
  return {
    count: histogram.count,
    mean: ms(histogram.mean),
    p50: ms(histogram.percentile(50)),
    p95: ms(histogram.percentile(95)),
    p99: ms(histogram.percentile(99)),
    max: ms(histogram.max),
  };
}

/** Copies of pictures, and their bytes. */
export interface Copies {
  count: number;
  bytes: number;
}

/** What happens to pictures before native code sees them. */
export interface DecodeStats {
  time: RecordableHistogram;
  copies: Copies;
}

export function modelStats(session: SessionStats, decode: DecodeStats): ModelStats {
  const { submitted, completed, failed, refused, expired, dropped } = session;
  const { queued, inBatches, batchSizes, busyMs, openMs } = session;
  const { preprocess, queue, run, deliver } = session;
  const sizes = Object.entries(batchSizes).map(([size, count]) => [Number(size), count] as const);
  const count = sizes.reduce((sum, [, runs]) => sum + runs, 0);
  const pictures = sizes.reduce((sum, [size, runs]) => sum + size * runs, 0);
  return {
    requests: { submitted, completed, failed, refused, timedOut: expired, dropped },
    queue: { depth: queued, inBatches },
    batches: { count, meanSize: count === 0 ? 0 : pictures / count, sizes: batchSizes },
    engine: { busyMs, utilisation: busyMs / openMs },
    stages: { decode: summarise(decode.time), preprocess, queue, run, deliver },
    copies: {
      input: {
        count: decode.copies.count + session.inputCopies,
        bytes: decode.copies.bytes + session.inputBytes,
      },
      output: { count: session.outputCopies, bytes: session.outputBytes },
    },
  };
}
