import { resolve } from 'node:path';
import { nonEmptyString, optionalInteger, optionNames, optionsBag } from '../arguments';
import type { Bounds } from './recent-vectors';

const DEFAULT_MAX_ENTRIES = 10_000;
/** About as many entries as a Map in V8 can hold. */
const MOST_ENTRIES = 10_000_000;

export interface TextCacheOptions {
  /**
   * Largest number of texts whose embeddings are kept; the least recently used ones are dropped
   * first. Default 10,000, which take 52 MB if E is 1280.
   */
  maxEntries?: number;
  /**
   * Largest memory of the cache in bytes; a text takes 4 · E + 128 bytes. Default: what
   * `maxEntries` texts need.
   */
  maxBytes?: number;
  /**
   * File that also keeps the embeddings, for the next start and for other processes, which may use
   * it at the same time. The file grows to twice the size of the memory. It belongs to one bundle;
   * the file of another bundle is not touched. It stores no texts, but whoever has the file can
   * find out whether a given text was encoded.
   */
  file?: string;
}

const CACHE_OPTIONS = optionNames<TextCacheOptions>({
  maxEntries: true,
  maxBytes: true,
  file: true,
});

/** Cache options with all defaults filled in. */
export interface ResolvedTextCache extends Bounds {
  file: string | undefined;
}

/**
 * Checks the option `textCache`. Returns undefined for false, which turns the cache off.
 *
 * @throws TypeError, RangeError (ERR_INVALID_ARG)
 */
export function textCacheOptions(value: unknown): ResolvedTextCache | undefined {
  const name = 'options.textCache';
  if (value === false) return undefined;
  const bag = optionsBag(value, name, CACHE_OPTIONS, 'an object or false');
  const { maxEntries, maxBytes, file } = bag;
  const anyBytes = [1, Number.MAX_SAFE_INTEGER] as const;
  return {
    maxEntries: optionalInteger(maxEntries, `${name}.maxEntries`, DEFAULT_MAX_ENTRIES, [
      1,
      MOST_ENTRIES,
    ]),
    maxBytes: optionalInteger(maxBytes, `${name}.maxBytes`, Number.MAX_SAFE_INTEGER, anyBytes),
    file: file === undefined ? undefined : resolve(nonEmptyString(file, `${name}.file`)),
  };
}
