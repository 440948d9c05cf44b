// What the generator and the subject, the process that is measured, say to each other: one JSON
// object a line, requests on the subject's stdin, messages on its stdout. Times are milliseconds of
// the machine's monotonic clock, which both read.
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
  /** Pictures, each of which decodes. */
  paths: readonly string[];
  input: InputKind;
  /**
   * Answers are kept back for so long, so that telling them costs little; but all are told when no
   * query is under way. 0: each is told when it is there.
   */
  tellEveryMs: number;
}

export type Request =
  | ({ op: 'open' } & OpenOptions)
  /**
   * Queries of one picture each, by an id of the caller's and the picture's place in `paths`. Asked
   * at once; of more than fill two batches the rest waits inside the subject.
   */
  | { op: 'ask'; queries: [id: number, picture: number][] }
  /** Callers inside the subject, each of whom asks again when it has its answer. */
  | { op: 'loop'; plan: Plan; lengths: Lengths }
  /** The embeddings of all pictures. */
  | { op: 'embed' }
  | { op: 'close' };

/** A query's id, when it was answered, and how: 'done' or an error's code. */
export type Told = [id: number, finished: number, outcome: string];

/** What the subject knows of itself in the end. */
export interface Closing {
  stats: ModelStats;
  observed: Observed;
}

/** The one that follows a request, `told` apart, which follow an ask when they can. */
export type Message =
  | { is: 'opened'; info: ModelInfo }
  | { is: 'told'; answers: Told[] }
  | { is: 'looped'; measured: Measured }
  | { is: 'embedded'; rows: number[][] }
  | ({ is: 'closed' } & Closing)
  | { is: 'failed'; code: string; message: string };
