// The protocol between the generator and the subject, which is the measured process. Each line is a
// JSON object: requests on the subject's stdin, messages on its stdout. Times are milliseconds of
// the machine's monotonic clock, which both processes share.
import type { ModelInfo } from '../model/model-info';
import type { ModelStats } from '../model/stats';
import type { LoadOptions } from '../options';
import type { Observed } from './observe';
import type { Lengths, Plan } from './plan';
import type { InputKind } from './record';
import type { Measured } from './recorder';

export interface OpenOptions {
  bundle: string;
  load: Omit<LoadOptions, 'logger'>;
  /** Paths of images that are known to decode. */
  paths: readonly string[];
  input: InputKind;
  /**
   * The subject collects answers for this time before it reports them, so that reporting costs
   * little. It reports all of them when no query is pending. 0 reports each answer at once.
   */
  tellEveryMs: number;
}

export type Request =
  | ({ op: 'open' } & OpenOptions)
  /**
   * Queries of one image each: an id of the caller's choice, and the image's index in `paths`. The
   * subject starts them at once, but no more than fill two batches; the others wait inside the
   * subject.
   */
  | { op: 'ask'; queries: [id: number, image: number][] }
  /** Runs callers inside the subject. Each sends its next query when it has its answer. */
  | { op: 'loop'; plan: Plan; lengths: Lengths }
  /** Asks for the embeddings of all images. */
  | { op: 'embed' }
  | { op: 'close' };

/** A query's id, the time of its answer, and its outcome: 'done' or an error's code. */
export type Told = [id: number, finished: number, outcome: string];

/** The subject's measurements of itself at the end. */
export interface Closing {
  stats: ModelStats;
  observed: Observed;
}

/** The reply to each request. After 'ask', `told` messages follow as answers arrive. */
export type Message =
  | { is: 'opened'; info: ModelInfo }
  | { is: 'told'; answers: Told[] }
  | { is: 'looped'; measured: Measured }
  | { is: 'embedded'; rows: number[][] }
  | ({ is: 'closed' } & Closing)
  | { is: 'failed'; code: string; message: string };
