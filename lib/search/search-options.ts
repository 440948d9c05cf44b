import { types } from 'node:util';
import { allocateRows } from '../allocate';
import {
  invalidBuffer,
  invalidType,
  optionalInteger,
  optionalSignal,
  optionNames,
  optionsBag,
} from '../arguments';
import { usableProcessors } from '../runtime/processors';
import { ownFloats } from '../typed-array';
import { numbersOf } from './vector-set';

export interface SearchOptions {
  /** Number of results. Default: 10. If the index has fewer vectors, all are returned. */
  k?: number;
  /** Cancels the search, which then rejects with the signal's reason. */
  signal?: AbortSignal;
  /**
   * Number of threads. Default: the cores that this process may use. Results do not depend on it.
   */
  threads?: number;
}

export interface ResolvedSearchOptions {
  k: number;
  signal: AbortSignal | undefined;
  threads: number;
}

const SEARCH_OPTIONS = optionNames<SearchOptions>({ k: true, signal: true, threads: true });
const DEFAULT_K = 10;
const MOST_K = 2 ** 32 - 1;

export function resolveThreads(value: unknown): number {
  return optionalInteger(value, 'options.threads', usableProcessors(), [1, 1024]);
}

export function resolveSearchOptions(value: unknown): ResolvedSearchOptions {
  const { k, signal, threads } = optionsBag(value, 'options', SEARCH_OPTIONS);
  return {
    k: optionalInteger(k, 'options.k', DEFAULT_K, [1, MOST_K]),
    signal: optionalSignal(signal, 'options.signal'),
    threads: resolveThreads(threads),
  };
}

function oneQuery(query: Float32Array, dim: number, name: string): Float32Array {
  const numbers = ownFloats(query, name);
  if (numbers.length === dim) return numbers;
  throw invalidBuffer(`${dim} numbers`, name, numbers);
}

/**
 * Checks the queries and returns them as [n, dim]. One query is a Float32Array; several are
 * embeddings or an array of queries.
 */
export function resolveQueries(
  value: unknown,
  dim: number,
): { queries: Float32Array; one: boolean } {
  if (types.isFloat32Array(value)) {
    return { queries: oneQuery(value, dim, 'queries'), one: true };
  }
  if (!Array.isArray(value)) return { queries: numbersOf(value, dim, 'queries'), one: false };
  const queries = allocateRows(value.length, dim, 'queries');
  for (const [i, query] of value.entries()) {
    if (!types.isFloat32Array(query)) throw invalidType('a Float32Array', `queries[${i}]`, query);
    queries.set(oneQuery(query, dim, `queries[${i}]`), i * dim);
  }
  return { queries, one: false };
}
