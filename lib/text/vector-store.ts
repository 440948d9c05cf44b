import { access, constants } from 'node:fs/promises';
import { AtomicFile } from '../files/atomic-file';
import { RecentVectors } from './recent-vectors';
import { appendToVectorFile, readVectorFile, writeVectorFile } from './vector-file';
import type { VectorFormat } from './vector-format';
import { recordBytes, recordOf } from './vector-records';

/** Largest number of bytes that wait to be written, so that a slow disk does not exhaust memory. */
const MOST_WAITING = 16 << 20;

/**
 * Writes the vectors that are added to a table to a file, too. The file grows to twice the capacity
 * of the table and is then rewritten with the table's vectors and, if there is room, the newest
 * ones of other processes. What other processes append during the rewrite is lost.
 */
export class VectorStore {
  readonly #path: string;
  readonly #table: RecentVectors;
  readonly #format: VectorFormat;
  readonly #onFailure: (error: unknown) => void;
  #waiting: Buffer[] = [];
  #working: Promise<void> | undefined;
  #stopped = false;

  /** @param onFailure Receives the error if the file cannot be used; writing then stops. */
  constructor(
    path: string,
    format: VectorFormat,
    table: RecentVectors,
    onFailure: (error: unknown) => void,
  ) {
    this.#path = path;
    this.#format = format;
    this.#table = table;
    this.#onFailure = onFailure;
  }

  /** Reads the newest vectors of the file into the table, even if the file is read-only. */
  async read(): Promise<void> {
    try {
      await this.#read((key, vector) => this.#table.set(key, vector));
      await access(this.#path, constants.W_OK);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Queues a vector to be written, and returns at once. */
  add(key: string, vector: Float32Array): void {
    const most = MOST_WAITING / recordBytes(this.#format.dim);
    if (this.#stopped || this.#waiting.length >= most) return;
    this.#waiting.push(recordOf(key, vector));
    this.#working ??= this.#writeAll();
  }

  /** Resolves when everything queued has been written. */
  async settle(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  get #mostBytes(): number {
    return 2 * this.#table.capacity * recordBytes(this.#format.dim);
  }

  #read(onRecord: (key: string, vector: Float32Array) => void): Promise<void> {
    return readVectorFile(this.#path, this.#format, this.#mostBytes, onRecord);
  }

  #fail(error: unknown): void {
    this.#stopped = true;
    this.#waiting = [];
    this.#onFailure(error);
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const records = Buffer.concat(this.#waiting.splice(0));
        const size = await appendToVectorFile(this.#path, this.#format, records);
        if (size > this.#mostBytes) await this.#compact();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#working = undefined;
    }
  }

  async #compact(): Promise<void> {
    const table = this.#table;
    const maxEntries = table.capacity - table.size;
    const others = new RecentVectors(table.dim, { maxEntries, maxBytes: Infinity });
    if (maxEntries > 0) {
      await this.#read((key, vector) => {
        if (!table.has(key)) others.set(key, vector);
      });
    }
    await AtomicFile.removeAbandoned(this.#path);
    await writeVectorFile(this.#path, this.#format, oldestFirst(others, table));
  }
}

/** Yields the vectors, least recently used first. It skips those removed in the meantime. */
function* oldestFirst(...tables: RecentVectors[]): Generator<[string, Float32Array]> {
  for (const table of tables) {
    for (const key of [...table.keys()]) {
      const vector = table.peek(key);
      if (vector !== undefined) yield [key, vector];
    }
  }
}
