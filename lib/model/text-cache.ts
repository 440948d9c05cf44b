import { createHash } from 'node:crypto';
import type { Manifest } from '../bundle/manifest';
import { TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from '../bundle/text-manifest';
import type { ResolvedLoadOptions } from '../options';
import { VectorCache } from '../text/vector-cache';
import type { TextPart } from './text-side';

/** Opens the cache of a bundle that embeds texts, unless the caller turned it off. */
export async function openTextCache(
  manifest: Manifest,
  text: TextPart | undefined,
  { textCache, logger }: ResolvedLoadOptions,
): Promise<VectorCache | undefined> {
  const dim = manifest.text?.adapter?.model.embeddingDim;
  if (!text?.llm || !text.adapter || dim === undefined || textCache === undefined) return undefined;
  return VectorCache.open({ dim, digest: digestOf(manifest), ...textCache, logger });
}

/**
 * Returns the sha256 of everything that a text's embedding depends on: both engines, the tokenizer
 * and the limit of tokens.
 */
function digestOf({ files, parts, text }: Manifest): string {
  const names = [parts.llm, parts.adapter, TOKENIZER_FILE, TOKENIZER_CONFIG_FILE];
  const digests = names.map((name) => files[name ?? '']?.sha256 ?? null);
  const facts = JSON.stringify([...digests, text?.llm?.model.maxTokens]);
  return createHash('sha256').update(facts).digest('hex');
}
