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

/** Rows of one record of a saved file: a damaged one is named, and notes stay short. */
const ROWS_A_RECORD = 16_384;

/** How long the reading of ids may hold up the event loop. */
const MOST_AT_A_STRETCH_MS = 5;

/** What is added or removed in one step: all of it is in the file, or nothing. */
export interface Change {
  /** [n, dim] */
  vectors?: Float32Array;
  ids?: readonly string[] | undefined;
  /** Ids of vectors that go; before those that are added come. */
  removed?: readonly string[];
  /** Kept in the file for whoever uses the table. */
  extra?: unknown;
}

/** The best of one query, best first; of equal scores, the vector that was added first. */
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
  /** What scores are multiplied by before the softmax. */
  scale: number;
  threads: number;
  signal: AbortSignal | undefined;
}

/** One row among the best, and its share in the softmax over all rows. */
export interface Ranked {
  row: number;
  /** The dot product. */
  score: number;
  probability: number;
}

/** Vectors with ids, in memory and, where it was opened to append, in a file. Arguments are checked. */
export class VectorTable {
  readonly #vectors: NativeVectors;
  readonly #ids = new RowIds();
  readonly #appends: boolean;
  #removed = 0;
  #extras: unknown[] = [];
  /** Changes so far, and how many of them the file that save() wrote holds. */
  #changes = 0;
  #saved = 0;
  /** Writes to the file, one after the other. */
  #writing: Promise<unknown> = Promise.resolve();
  /** The first write that failed: what is in memory and what is in the file differ from there on. */
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

  /** What changes brought beside vectors, since the file began. */
  get extras(): readonly unknown[] {
    return this.#extras;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** Memory is read before it returns; resolves when the file has it. */
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

  /** @param extras Instead of those there were. */
  async save(path: string, extras?: unknown[]): Promise<void> {
    this.#requireUsable();
    await this.#write(async () => {
      if (extras !== undefined) this.#extras = extras;
      const changes = this.#changes;
      const replaced = await this.#vectors.save(path, this.#records());
      if (replaced) this.#saved = changes;
    });
  }

  /** Resolves when what is in the file survives the end of the machine. */
  async sync(): Promise<void> {
    this.#requireUsable();
    await this.#write(() => this.#vectors.sync());
  }

  /** Waits for what is under way, then lets go of memory and file. */
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
      const message = `expected ids in ${path} that fit together; make the index again`;
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
