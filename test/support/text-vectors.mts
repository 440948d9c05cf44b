import { createHash } from 'node:crypto';
import { VectorCache, type VectorCacheOptions } from '#lib/text/vector-cache';

/** What the vector of a text is, by a rule of its own. */
export function vectorOf(text: string, dim: number): Float32Array {
  const bytes = createHash('shake256', { outputLength: 2 * dim })
    .update(text)
    .digest();
  return Float32Array.from({ length: dim }, (_, i) => bytes.readInt16LE(2 * i) / 4096);
}

export const DIGEST = createHash('sha256').update('a bundle').digest('hex');

/** What a cache said to its logger. */
export interface Said {
  level: string;
  message: string;
}

/** A cache of vectors [16] that says nothing, unless told otherwise. */
export function openCache(
  options: Partial<VectorCacheOptions> = {},
  said: Said[] = [],
): Promise<VectorCache> {
  return VectorCache.open({
    dim: 16,
    digest: DIGEST,
    maxEntries: 1000,
    maxBytes: 2 ** 26,
    file: undefined,
    logger: (level, message) => said.push({ level, message }),
    ...options,
  });
}

/** Asks for texts, and returns those that had to be computed. Throws for a vector that is wrong. */
export async function computedOf(
  cache: VectorCache,
  dim: number,
  texts: readonly string[],
): Promise<string[]> {
  const computed: string[] = [];
  for (const text of texts) {
    const vector = await cache.get(text, async () => {
      computed.push(text);
      return vectorOf(text, dim);
    });
    if (!Buffer.from(vector.buffer).equals(Buffer.from(vectorOf(text, dim).buffer))) {
      throw new Error(`another vector for ${text}`);
    }
  }
  return computed;
}

export function numbered(n: number, prefix = 'text '): string[] {
  return Array.from({ length: n }, (_, i) => `${prefix}${i}`);
}
