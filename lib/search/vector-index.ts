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
  /** Numbers of a vector, 1 to 65,536; a model's is `model.info.embeddingDim`. */
  dim: number;
  /** Default 'fp32'. int8 takes a quarter of its memory and time, and finds nearly the same. */
  storage?: Storage;
}

export interface OpenOptions {
  /**
   * What is added or removed from here on is written to the file before its promise resolves. The
   * file is this process's alone until dispose(). Default false: the file is only read.
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
 * Vectors in native memory, searched exactly: the score of every vector is its dot product with the
 * query, which is the cosine for vectors of length 1. For what fits into memory, up to some million
 * vectors. Searches and files run off the event loop; `add`, and `save` for as long as ids take to
 * become text, on it.
 *
 * @example
 * const index = VectorIndex.create({ dim: model.info.embeddingDim, storage: 'int8' });
 * await index.add(await model.encodeImages(paths), paths);
 * const { ids, scores } = await index.search(await model.encodeImage('cat.jpg'), { k: 5 });
 * await index.save('pictures.index');
 */
export class VectorIndex {
  readonly #table: VectorTable;

  private constructor(table: VectorTable) {
    this.#table = table;
  }

  /**
   * An empty index.
   *
   * @throws TypeError, RangeError (ERR_INVALID_ARG)
   */
  static create(options: VectorIndexOptions): VectorIndex {
    const { dim, storage } = optionsBag(options, 'options', CREATE_OPTIONS);
    const chosen = optionalOneOf(storage, 'options.storage', 'fp32', STORAGES);
    return new VectorIndex(VectorTable.create(chosen, dimOf(dim)));
  }

  /**
   * The index of a file that save() wrote. A last change that its process did not live to write whole
   * is left out.
   *
   * @throws TypeError (ERR_INVALID_ARG)
   * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_INDEX_INVALID for a damaged file or one of a later
   *   version, ERR_INDEX_LOCKED where another process appends, ERR_OUT_OF_MEMORY, ERR_IO
   * @example
   * await using index = await VectorIndex.open('pictures.index', { append: true });
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

  /** Vectors. */
  get size(): number {
    return this.#table.size;
  }

  /** Of native memory for vectors; those that were removed keep theirs until the index is saved and opened. */
  get memoryBytes(): number {
    return this.#table.memoryBytes;
  }

  /**
   * Adds vectors, all or none of them. Their memory is read, and rounded to the storage, before the
   * call returns: in pieces of some thousand vectors the event loop is not held up.
   *
   * @param vectors [n, dim]: numbers one vector after the other, or what `encodeImages` gives.
   * @param ids One a vector, each of its own. Without them a vector is known by its number, from 0; an
   *   index has ids for all its vectors or for none.
   * @throws TypeError, RangeError (ERR_INVALID_ARG; ERR_INVALID_BUFFER for a wrong length, NaN,
   *   infinity, or numbers beyond the range of fp16)
   * @throws LLM2CLIPError ERR_OUT_OF_MEMORY, ERR_DISPOSED, ERR_IO, after which an index opened to
   *   append has to be opened again
   */
  async add(vectors: VectorSet, ids?: readonly string[]): Promise<void> {
    const numbers = numbersOf(vectors, this.dim, 'vectors');
    await withCallerStack(this.#table.change({ vectors: numbers, ids }));
  }

  /**
   * Removes vectors that were added with ids; resolves with how many were there. Errors as add()'s.
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
   * The vectors with the highest scores, best first; of equal scores the one that was added first.
   * The same whatever the number of threads, and of each of many queries the same as alone.
   *
   * @param query One query [dim]; or several, as embeddings [n, dim] or as an array, for which the
   *   result is an array. Many at once take less time than one by one.
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
   * Writes the index into a file, which appears whole or not at all, without what was removed.
   *
   * @throws TypeError (ERR_INVALID_ARG)
   * @throws LLM2CLIPError ERR_IO, ERR_INDEX_LOCKED, ERR_DISPOSED
   */
  async save(path: string): Promise<void> {
    await withCallerStack(this.#table.save(nonEmptyString(path, 'path')));
  }

  /**
   * Of an index opened to append: waits until what was added survives a failure of power, not of the
   * process alone. Errors as save()'s.
   */
  async sync(): Promise<void> {
    await withCallerStack(this.#table.sync());
  }

  /** Waits for what is under way, then frees the memory and lets others have the file. */
  async dispose(): Promise<void> {
    await this.#table.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}
