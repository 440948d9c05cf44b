import { abortable } from '../async/abort';
import type { Logger } from '../options';
import { type Bounds, RecentVectors } from './recent-vectors';
import { textKey } from './text-key';
import type { VectorFormat } from './vector-format';
import { VectorStore } from './vector-store';

export interface VectorCacheOptions extends VectorFormat, Bounds {
  /** File that keeps the vectors when the process ends, if any. */
  file: string | undefined;
  logger: Logger;
}

/** Size and hit counts of a cache of text vectors. */
export interface VectorCacheStats {
  /** Requests answered by a stored vector, or by one that another request was already computing. */
  hits: number;
  /** Requests whose vector had to be computed. */
  misses: number;
  entries: number;
  /** Approximate memory of the cache. */
  bytes: number;
}

/**
 * Computes the vector [dim] of a text. The signal is aborted when no caller waits for the vector
 * any more; it is undefined if the first caller passed no signal and so waits to the end.
 */
export type ComputeVector = (signal: AbortSignal | undefined) => Promise<Float32Array>;

/** A vector that is being computed, and the number of callers that wait for it. */
interface Flight {
  vector: Promise<Float32Array>;
  /** Undefined if the first caller passed no signal and so cannot leave. */
  abort: AbortController | undefined;
  waiting: number;
}

/**
 * A cache of text vectors [dim]. It keeps the most recently used ones in memory and, optionally, in
 * a file. Callers that ask for the same text at the same time share one computation.
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

  /** Opens the cache. If the file cannot be used, it logs a warning and works without the file. */
  static async open(options: VectorCacheOptions): Promise<VectorCache> {
    const { dim, file } = options;
    const table = new RecentVectors(dim, options);
    if (file === undefined) return new VectorCache(table, undefined);
    if (table.capacity > 0) return new VectorCache(table, await openStore(table, options, file));
    // Without room for a vector, rewriting the file would delete the vectors of other processes.
    const message = `vectors of texts are not kept in ${file}: maxBytes has no room for one`;
    options.logger('warn', message, { file });
    return new VectorCache(table, undefined);
  }

  /**
   * Returns a copy of the vector of a text.
   *
   * @param signal Cancels this call only; other callers still get the vector.
   * @throws what `compute` rejects with, for all waiting callers; `signal.reason`
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

  /** Resolves when all vectors have been written to the file. */
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

  /** Stores the vector when it has been computed. */
  #land(key: string, flight: Flight): void {
    this.#flights.set(key, flight);
    const landed = () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    flight.vector.then((vector) => {
      landed();
      // Do not store NaN or infinity; the next computation may succeed.
      if (!vector.every(Number.isFinite)) return;
      this.#table.set(key, vector);
      this.#store?.add(key, vector);
    }, landed);
  }

  /**
   * Removes a waiting caller. When the last one leaves, the computation is aborted and forgotten.
   */
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
