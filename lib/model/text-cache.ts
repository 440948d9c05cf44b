import { createHash } from 'node:crypto';
import type { Manifest } from '../bundle/manifest';
import { TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from '../bundle/text-manifest';
import type { ResolvedLoadOptions } from '../options';
import { VectorCache } from '../text/vector-cache';
import type { TextPart } from './text-side';

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
