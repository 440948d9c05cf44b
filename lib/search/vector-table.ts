import { performance } from 'node:perf_hooks';
import { abortable } from '../async/abort';
import { nextTurn } from '../async/next-turn';
import { LLM2CLIPError } from '../errors';
import { openRegularFile } from '../files/regular-file';
import {
  callNative,
  fromNative,
  loadNative,
  type NativeRecord,
  type NativeVectors,
} from '../native';
import { ofThisRealm } from '../typed-array';
import { readNote, writeNote } from './note';
import { RowIds, type VectorId } from './row-ids';
import type { Storage } from './storage';

/** Number of rows per record of a saved file. It keeps notes short and locates damage. */
const ROWS_A_RECORD = 16_384;

/** Longest time, in milliseconds, that reading ids may block the event loop. */
const MOST_AT_A_STRETCH_MS = 5;

/** A change that is written to the file atomically. */
export interface Change {
  /** [n, dim] */
  vectors?: Float32Array;
  ids?: readonly string[] | undefined;
  /** Ids of vectors to remove before others are added. */
  removed?: readonly string[];
  /** Data of the table's user to store in the file. */
  extra?: unknown;
}

/** The results of one query, best first. Of equal scores, the vector added first comes first. */
export interface SearchResult {
  ids: VectorId[];
  /** Dot products. */
  scores: Float32Array;
}

export interface SearchWork {
  /** [n, dim] */
  queries: Float32Array;
  k: number;
  threads: number;
  signal: AbortSignal | undefined;
}

export interface RankWork {
  /** [dim] */
  query: Float32Array;
  k: number;
  /** Factor of the scores before the softmax. */
  scale: number;
  threads: number;
  signal: AbortSignal | undefined;
}

/** One of the best rows, and its probability in the softmax over all rows. */
export interface Ranked {
  row: number;
  /** The dot product. */
  score: number;
  probability: number;
}

/** Vectors with ids in memory and, if opened to append, in a file. Callers check the arguments. */
export class VectorTable {
  readonly #vectors: NativeVectors;
  readonly #ids = new RowIds();
  readonly #appends: boolean;
  #removed = 0;
  #extras: unknown[] = [];
  /** Number of changes so far, and the number of those in the file that save() wrote. */
  #changes = 0;
  #saved = 0;
  /** The last write to the file. Writes run one after the other. */
  #writing: Promise<unknown> = Promise.resolve();
  /** Error of the first write that failed. From then on memory and file differ. */
  #failure: unknown;
  readonly #underWay = new Set<Promise<unknown>>();
  #disposed: Promise<void> | undefined;

  private constructor(vectors: NativeVectors, appends: boolean) {
    this.#vectors = vectors;
    this.#appends = appends;
  }

  static create(storage: Storage, dim: number): VectorTable {
    return new VectorTable(loadNative().createVectors(storage, dim), false);
  }

  static async open(path: string, append: boolean): Promise<VectorTable> {
    await (await openRegularFile(path, 'an index')).close();
    const { vectors, records } = await fromNative(loadNative().openVectors(path, append));
    const table = new VectorTable(vectors, append);
    try {
      let rested = performance.now();
      for (const { rows, note } of records) {
        table.#replay(rows, note, path);
        if (performance.now() - rested < MOST_AT_A_STRETCH_MS) continue;
        await nextTurn();
        rested = performance.now();
      }
    } catch (error) {
      vectors.dispose();
      throw error;
    }
    return table;
  }

  get storage(): Storage {
    return this.#vectors.storage;
  }

  get dim(): number {
    return this.#vectors.dim;
  }

  get size(): number {
    return this.#ids.count - this.#removed;
  }

  get removedCount(): number {
    return this.#removed;
  }

  get memoryBytes(): number {
    return this.#vectors.memoryBytes();
  }

  /** The `extra` values of all changes, oldest first. */
  get extras(): readonly unknown[] {
    return this.#extras;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /**
   * Applies a change. It reads the vectors before it returns, and resolves when the file has them.
   */
  async change({ vectors, ids, removed = [], extra }: Change): Promise<void> {
    this.#requireUsable();
    const rows = (vectors?.length ?? 0) / this.dim;
    this.#ids.check(rows, ids, removed);
    if (vectors !== undefined && rows > 0) callNative(() => this.#vectors.add(vectors));
    const first = this.#ids.count;
    this.#apply(rows, ids, removed, extra);
    if (!this.#appends) return;
    const note = writeNote({ ...(ids && { ids: [...ids] }), removed: [...removed], extra });
    const change = ++this.#changes;
    await this.#write(async () => {
      if (change <= this.#saved) return;
      await fromNative(this.#vectors.append({ first, last: first + rows, note })).catch((error) => {
        this.#failure = error;
        throw error;
      });
    });
  }

  async search({ queries, k, threads, signal }: SearchWork): Promise<SearchResult[]> {
    this.#requireUsable();
    signal?.throwIfAborted();
    const { done, cancel } = callNative(() => this.#vectors.search(queries, k, threads));
    const found = await this.#track(abortable(fromNative(done), signal, cancel));
    const { rows, counts } = found;
    const scores = ofThisRealm(found.scores);
    let end = 0;
    return Array.from(counts, (count) => {
      const begin = end;
      end += count;
      const ids = Array.from(rows.subarray(begin, end), (row) => this.#ids.at(row));
      return { ids, scores: scores.slice(begin, end) };
    });
  }

  /** The best rows for one query, best first; of equal scores, the row that was added first. */
  async rank({ query, k, scale, threads, signal }: RankWork): Promise<Ranked[]> {
    this.#requireUsable();
    signal?.throwIfAborted();
    const { done, cancel } = callNative(() => this.#vectors.rank(query, k, threads, scale));
    const found = await this.#track(abortable(fromNative(done), signal, cancel));
    const { rows, scores, powerSum } = found;
    const [highest = 0] = scores;
    return Array.from(scores, (score, i) => {
      const probability = Math.exp(scale * (score - highest)) / powerSum;
      return { row: rows[i] as number, score, probability };
    });
  }

  /**
   * Writes the table to a file.
   *
   * @param extras replace the current `extra` values
   */
  async save(path: string, extras?: unknown[]): Promise<void> {
    this.#requireUsable();
    await this.#write(async () => {
      if (extras !== undefined) this.#extras = extras;
      const changes = this.#changes;
      const replaced = await this.#vectors.save(path, this.#records());
      if (replaced) this.#saved = changes;
    });
  }

  /** Resolves when the file is synced to the disk. */
  async sync(): Promise<void> {
    this.#requireUsable();
    await this.#write(() => this.#vectors.sync());
  }

  /** Waits for pending calls, then frees the memory and closes the file. */
  dispose(): Promise<void> {
    this.#disposed ??= (async () => {
      await Promise.allSettled([...this.#underWay, this.#writing]);
      this.#vectors.dispose();
    })();
    return this.#disposed;
  }

  #requireUsable(): void {
    if (this.#disposed !== undefined) {
      throw new LLM2CLIPError('ERR_DISPOSED', 'the index has been disposed of');
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #replay(rows: number, text: string, path: string): void {
    const { ids, removed = [], extra } = readNote(text, rows, path);
    try {
      this.#ids.check(rows, ids, removed);
    } catch (cause) {
      const message = `expected consistent ids in ${path}, found a contradiction; make the index again`;
      throw new LLM2CLIPError('ERR_INDEX_INVALID', message, { cause });
    }
    this.#apply(rows, ids, removed, extra);
  }

  #apply(
    rows: number,
    ids: readonly string[] | undefined,
    removed: readonly string[],
    extra: unknown,
  ): void {
    const gone = this.#ids.remove(removed);
    if (gone.length > 0) callNative(() => this.#vectors.remove(gone));
    this.#removed += gone.length;
    this.#ids.add(rows, ids);
    if (extra !== undefined) this.#extras.push(extra);
  }

  #records(): NativeRecord[] {
    const records = this.#extras.map((extra) => ({
      first: 0,
      last: 0,
      note: writeNote({ extra }),
    }));
    for (let first = 0; first < this.#ids.count; first += ROWS_A_RECORD) {
      const last = Math.min(this.#ids.count, first + ROWS_A_RECORD);
      const ids = this.#ids.live(first, last);
      records.push({ first, last, note: writeNote(ids === undefined ? {} : { ids }) });
    }
    return records;
  }

  async #write<T>(body: () => Promise<T>): Promise<T> {
    const result = this.#writing.then(() => {
      if (this.#failure !== undefined) throw this.#failure;
      return fromNative(body());
    });
    this.#writing = result.catch(() => {});
    return result;
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }
}
