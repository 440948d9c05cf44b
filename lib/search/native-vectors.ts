import type { Storage } from './storage';

/** The vectors of an index, and the file that holds them, if there is one. See csrc/search. */
export interface NativeVectors {
  readonly storage: Storage;
  readonly dim: number;
  /** Adds vectors [n, dim], which are read before the call returns. If it fails, none is added. */
  add(vectors: Float32Array): void;
  remove(rows: Uint32Array): void;
  /** queries: [n, dim], read before the call returns. */
  search(
    queries: Float32Array,
    k: number,
    threads: number,
  ): { done: Promise<NativeHits>; cancel(): void };
  /**
   * query: [dim], read before the call returns. `scale` is the factor of the scores in the softmax.
   */
  rank(
    query: Float32Array,
    k: number,
    threads: number,
    scale: number,
  ): { done: Promise<NativeRanking>; cancel(): void };
  /** Writes the rows `first` to `last` − 1 and a note to the file that was opened for appending. */
  append(record: NativeRecord): Promise<void>;
  /** Makes all appended records survive a crash of the machine. */
  sync(): Promise<void>;
  /**
   * Writes all rows that are not removed to a complete file. If it replaces the file that was
   * opened for appending, further records go to the new file, and the promise resolves with true.
   */
  save(path: string, records: NativeRecord[]): Promise<boolean>;
  memoryBytes(): number;
  /** Releases the file, and the memory when pending searches have ended. */
  dispose(): void;
}

export interface NativeRecord {
  first: number;
  last: number;
  note: string;
}

export interface NativeHits {
  /** Hits of all queries, one query after the other, best first. */
  rows: Uint32Array;
  scores: Float32Array;
  /** Number of hits per query. */
  counts: Uint32Array;
}

export interface NativeRanking extends NativeHits {
  /** Sum of exp(scale · (score − highest score)) over all rows. */
  powerSum: number;
}
