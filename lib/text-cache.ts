import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { invalidType, isObject, nonEmptyString, optionalInteger } from './arguments';
import type { Manifest } from './bundle/manifest';
import { TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from './bundle/text-manifest';
import type { ResolvedLoadOptions } from './options';
import type { Bounds } from './text/recent-vectors';
import { VectorCache } from './text/vector-cache';
import type { TextPart } from './text-side';

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

/** With every default filled in. */
export interface ResolvedTextCache extends Bounds {
  file: string | undefined;
}

/** Undefined for false: nothing is kept. @throws TypeError, RangeError (ERR_INVALID_ARG) */
export function textCacheOptions(value: unknown): ResolvedTextCache | undefined {
  const name = 'options.textCache';
  if (value === false) return undefined;
  if (value !== undefined && !isObject(value)) throw invalidType('an object or false', name, value);
  const { maxEntries, maxBytes, file } = value ?? {};
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

/** Of a bundle that makes embeddings of texts, unless the caller wants none. */
export async function openTextCache(
  manifest: Manifest,
  text: TextPart | undefined,
  { textCache, logger }: ResolvedLoadOptions,
): Promise<VectorCache | undefined> {
  const dim = manifest.text?.adapter?.model.embeddingDim;
  if (!text?.llm || !text.adapter || dim === undefined || textCache === undefined) return undefined;
  return VectorCache.open({ dim, digest: digestOf(manifest), ...textCache, logger });
}

/** sha256 of what a text's embedding depends on: both engines, the tokenizer, where it is cut. */
function digestOf({ files, parts, text }: Manifest): string {
  const names = [parts.llm, parts.adapter, TOKENIZER_FILE, TOKENIZER_CONFIG_FILE];
  const digests = names.map((name) => files[name ?? '']?.sha256 ?? null);
  const facts = JSON.stringify([...digests, text?.llm?.model.maxTokens]);
  return createHash('sha256').update(facts).digest('hex');
}
