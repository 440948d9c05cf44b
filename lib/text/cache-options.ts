import { resolve } from 'node:path';
import { nonEmptyString, optionalInteger, optionNames, optionsBag } from '../arguments';
import type { Bounds } from './recent-vectors';

const DEFAULT_MAX_ENTRIES = 10_000;
/** About what a Map of V8's can hold. */
const MOST_ENTRIES = 10_000_000;

export interface TextCacheOptions {
  /** Most texts whose embeddings are kept, those used last. Default 10,000: 52 MB where E is 1280. */
  maxEntries?: number;
  /** Most memory that they take: 4 · E + 128 bytes each. Default: as much as `maxEntries` need. */
  maxBytes?: number;
  /**
   * Keeps them in this file as well, for the next start and for other processes, which may use it at
   * the same time. It grows to twice the memory. Of one bundle: another's file is not touched. It
   * holds no texts, but tells whoever has it and a text whether that was asked for.
   */
  file?: string;
}

const CACHE_OPTIONS = optionNames<TextCacheOptions>({
  maxEntries: true,
  maxBytes: true,
  file: true,
});

/** With every default filled in. */
export interface ResolvedTextCache extends Bounds {
  file: string | undefined;
}

/** Undefined for false: nothing is kept. @throws TypeError, RangeError (ERR_INVALID_ARG) */
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
