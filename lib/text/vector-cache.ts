import { abortable } from '../async/abort';
import type { Logger } from '../options';
import { type Bounds, RecentVectors } from './recent-vectors';
import { textKey } from './text-key';
import type { VectorFormat } from './vector-format';
import { VectorStore } from './vector-store';

export interface VectorCacheOptions extends VectorFormat, Bounds {
  /** Where vectors are kept beyond the end of the process. */
  file: string | undefined;
  logger: Logger;
}

/** What a cache of text vectors holds and what it was good for. */
export interface VectorCacheStats {
  /** Answered with a vector that was there, or that was being computed for someone else. */
  hits: number;
  /** Had to be computed. */
  misses: number;
  entries: number;
  /** Memory taken, about. */
  bytes: number;
}

/**
 * Computes the vector [dim] of a text; the signal aborts when nobody waits for it any more, and is
 * undefined where somebody always will.
 */
export type ComputeVector = (signal: AbortSignal | undefined) => Promise<Float32Array>;

/** A vector that is being computed, and how many wait for it. */
interface Flight {
  vector: Promise<Float32Array>;
  /** Undefined where whoever asked first can't leave. */
  abort: AbortController | undefined;
  waiting: number;
}

/**
 * Vectors [dim] of texts, those used last kept in memory and, if asked for, in a file. A text that
 * is asked for while its vector is being computed waits for that.
 *
 * @example
 * const cache = await VectorCache.open({ dim: 1280, digest, maxEntries: 10_000, maxBytes: 2 ** 26, file, logger });
 * const vector = await cache.get('a cat', (signal) => compute('a cat', signal));
 * await cache.settle();
 */
export class VectorCache {
  readonly #table: RecentVectors;
  readonly #store: VectorStore | undefined;
  readonly #flights = new Map<string, Flight>();
  #hits = 0;
  #misses = 0;

  private constructor(table: RecentVectors, store: VectorStore | undefined) {
    this.#table = table;
    this.#store = store;
  }

  /** A file that cannot be used is said to the logger and done without. */
  static async open(options: VectorCacheOptions): Promise<VectorCache> {
    const { dim, file } = options;
    const table = new RecentVectors(dim, options);
    if (file === undefined) return new VectorCache(table, undefined);
    if (table.capacity > 0) return new VectorCache(table, await openStore(table, options, file));
    // Written anew with the table's vectors, the file would lose those of other processes.
    const message = `vectors of texts are not kept in ${file}: maxBytes has no room for one`;
    options.logger('warn', message, { file });
    return new VectorCache(table, undefined);
  }

  /**
   * The vector of a text, in memory of the caller's own.
   *
   * @param signal The caller's: others who wait for the same vector get it all the same.
   * @throws What `compute` rejects with, to all who wait; `signal.reason`
   */
  async get(text: string, compute: ComputeVector, signal?: AbortSignal): Promise<Float32Array> {
    signal?.throwIfAborted();
    const key = textKey(text);
    const found = key === undefined ? undefined : this.#table.get(key);
    if (found !== undefined) {
      this.#hits += 1;
      return found;
    }
    const flight = this.#join(key, compute, signal);
    const vector = await abortable(flight.vector, signal, () => this.#leave(key, flight));
    return vector.slice();
  }

  stats(): VectorCacheStats {
    const { size: entries, bytes } = this.#table;
    return { hits: this.#hits, misses: this.#misses, entries, bytes };
  }

  /** Resolves when the file holds all that the cache was told to keep. */
  async settle(): Promise<void> {
    await this.#store?.settle();
  }

  #join(key: string | undefined, compute: ComputeVector, signal: AbortSignal | undefined): Flight {
    let flight = key === undefined ? undefined : this.#flights.get(key);
    if (flight !== undefined) {
      this.#hits += 1;
    } else {
      this.#misses += 1;
      const abort = signal && new AbortController();
      flight = { vector: compute(abort?.signal), abort, waiting: 0 };
      if (key !== undefined) this.#land(key, flight);
    }
    flight.waiting += 1;
    return flight;
  }

  /** Keeps the vector once it is there. */
  #land(key: string, flight: Flight): void {
    this.#flights.set(key, flight);
    const landed = () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    flight.vector.then((vector) => {
      landed();
      // NaN is not what this text will always give.
      if (!vector.every(Number.isFinite)) return;
      this.#table.set(key, vector);
      this.#store?.add(key, vector);
    }, landed);
  }

  /** Whoever asks after the last one has left has it computed anew. */
  #leave(key: string | undefined, flight: Flight): void {
    flight.waiting -= 1;
    if (flight.waiting > 0) return;
    if (key !== undefined && this.#flights.get(key) === flight) this.#flights.delete(key);
    flight.abort?.abort();
  }
}

async function openStore(
  table: RecentVectors,
  { dim, digest, logger }: VectorCacheOptions,
  file: string,
): Promise<VectorStore> {
  const store = new VectorStore(file, { dim, digest }, table, (error) => {
    const message = error instanceof Error ? error.message : String(error);
    logger('warn', `vectors of texts are not kept in ${file}: ${message}`, { file });
  });
  await store.read();
  logger('info', `read ${table.size} vectors of texts from ${file}`, { file, size: table.size });
  return store;
}
