import {
  invalidType,
  nonEmptyString,
  optionalBoolean,
  optionalInteger,
  optionalOneOf,
  optionNames,
  optionsBag,
} from '../arguments';
import { withCallerStack } from '../async/caller';
import { resolveQueries, resolveSearchOptions, type SearchOptions } from './search-options';
import { MOST_DIM, STORAGES, type Storage } from './storage';
import { numbersOf, type VectorSet } from './vector-set';
import { type SearchResult, VectorTable } from './vector-table';

export type { SearchOptions };

export interface VectorIndexOptions {
  /** Length of a vector, 1 to 65,536; that of a model's embeddings is `model.info.embeddingDim`. */
  dim: number;
  /** Default: 'fp32'. int8 needs a quarter of its memory and time, with nearly the same results. */
  storage?: Storage;
}

export interface OpenOptions {
  /**
   * Write changes to the file: `add` and `remove` resolve when the file has the change. The file is
   * locked for this process until dispose(). Default: false, which only reads the file.
   */
  append?: boolean;
}

const CREATE_OPTIONS = optionNames<VectorIndexOptions>({ dim: true, storage: true });
const OPEN_OPTIONS = optionNames<OpenOptions>({ append: true });

function dimOf(value: unknown): number {
  if (value === undefined) throw invalidType('an integer', 'options.dim', value);
  return optionalInteger(value, 'options.dim', 0, [1, MOST_DIM]);
}

/**
 * An exact vector index in native memory, for up to some million vectors. The score of a vector is
 * its dot product with the query, which is the cosine for vectors of length 1. Searching and file
 * access run off the event loop. `add` runs on it, and so does the part of `save` that writes ids
 * as text.
 *
 * @example
 * const index = VectorIndex.create({ dim: model.info.embeddingDim, storage: 'int8' });
 * await index.add(await model.encodeImages(paths), paths);
 * const { ids, scores } = await index.search(await model.encodeImage('cat.jpg'), { k: 5 });
 * await index.save('images.index');
 */
export class VectorIndex {
  readonly #table: VectorTable;

  private constructor(table: VectorTable) {
    this.#table = table;
  }

  /**
   * Creates an empty index.
   *
   * @throws TypeError, RangeError (ERR_INVALID_ARG)
   */
  static create(options: VectorIndexOptions): VectorIndex {
    const { dim, storage } = optionsBag(options, 'options', CREATE_OPTIONS);
    const chosen = optionalOneOf(storage, 'options.storage', 'fp32', STORAGES);
    return new VectorIndex(VectorTable.create(chosen, dimOf(dim)));
  }

  /**
   * Opens an index file that save() wrote. If a process died while it wrote a change, that change
   * is left out.
   *
   * @throws TypeError (ERR_INVALID_ARG)
   * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_INDEX_INVALID for a damaged file or one of a later
   *   version, ERR_INDEX_LOCKED if another process appends, ERR_OUT_OF_MEMORY, ERR_IO
   * @example
   * await using index = await VectorIndex.open('images.index', { append: true });
   */
  static async open(path: string, options?: OpenOptions): Promise<VectorIndex> {
    const file = nonEmptyString(path, 'path');
    const { append } = optionsBag(options, 'options', OPEN_OPTIONS);
    const appends = optionalBoolean(append, 'options.append', false);
    return new VectorIndex(await withCallerStack(VectorTable.open(file, appends)));
  }

  get dim(): number {
    return this.#table.dim;
  }

  get storage(): Storage {
    return this.#table.storage;
  }

  /** Number of vectors. */
  get size(): number {
    return this.#table.size;
  }

  /**
   * Native memory of the vectors. Removed vectors keep theirs until the index is saved and opened.
   */
  get memoryBytes(): number {
    return this.#table.memoryBytes;
  }

  /**
   * Adds vectors, either all or none of them. It reads their memory, and rounds them to the storage
   * format, before it returns. Add a few thousand vectors per call so as not to block the event
   * loop.
   *
   * @param vectors [n, dim]: concatenated vectors, or the result of `encodeImages`
   * @param ids one unique id per vector. Without ids a vector is identified by its number, starting
   *   at 0. An index has ids for all its vectors or for none.
   * @throws TypeError, RangeError (ERR_INVALID_ARG; ERR_INVALID_BUFFER for a wrong length, NaN,
   *   infinity, or numbers beyond the range of fp16)
   * @throws LLM2CLIPError ERR_OUT_OF_MEMORY, ERR_DISPOSED; ERR_IO, after which an index that was
   *   opened to append must be opened again
   */
  async add(vectors: VectorSet, ids?: readonly string[]): Promise<void> {
    const numbers = numbersOf(vectors, this.dim, 'vectors');
    await withCallerStack(this.#table.change({ vectors: numbers, ids }));
  }

  /**
   * Removes vectors by their ids, and resolves with the number that was found. It throws as add().
   */
  async remove(ids: readonly string[]): Promise<number> {
    if (!Array.isArray(ids)) throw invalidType('an array of strings', 'ids', ids);
    for (const [i, id] of ids.entries()) {
      if (typeof id !== 'string') throw invalidType('a string', `ids[${i}]`, id);
    }
    const before = this.size;
    const changed = this.#table.change({ removed: ids });
    const removed = before - this.size;
    await withCallerStack(changed);
    return removed;
  }

  /**
   * Finds the vectors with the highest scores, best first. Of vectors with equal scores, the one
   * that was added first comes first. The result depends neither on the number of threads nor on
   * the other queries.
   *
   * @param query one query [dim], or several as embeddings [n, dim] or as an array. For several the
   *   result is an array. One call with many queries is faster than one call per query.
   * @throws TypeError, RangeError (ERR_INVALID_ARG, ERR_INVALID_BUFFER); `signal.reason`
   * @throws LLM2CLIPError ERR_OUT_OF_MEMORY, ERR_DISPOSED
   */
  async search(query: Float32Array, options?: SearchOptions): Promise<SearchResult>;
  async search(
    queries: Exclude<VectorSet, Float32Array> | readonly Float32Array[],
    options?: SearchOptions,
  ): Promise<SearchResult[]>;
  async search(
    query: VectorSet | readonly Float32Array[],
    options?: SearchOptions,
  ): Promise<SearchResult | SearchResult[]> {
    const resolved = resolveSearchOptions(options);
    const { queries, one } = resolveQueries(query, this.dim);
    const results = await withCallerStack(this.#table.search({ queries, ...resolved }));
    return one ? (results[0] as SearchResult) : results;
  }

  /**
   * Writes the index to a file atomically, without the removed vectors.
   *
   * @throws TypeError (ERR_INVALID_ARG)
   * @throws LLM2CLIPError ERR_IO, ERR_INDEX_LOCKED, ERR_DISPOSED
   */
  async save(path: string): Promise<void> {
    await withCallerStack(this.#table.save(nonEmptyString(path, 'path')));
  }

  /**
   * Waits until changes are on the disk and survive a power failure, for an index opened to append.
   * Without it they survive only the end of the process. It throws as save().
   */
  async sync(): Promise<void> {
    await withCallerStack(this.#table.sync());
  }

  /** Waits for pending calls, then frees the memory and unlocks the file. */
  async dispose(): Promise<void> {
    await this.#table.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}
