import { VectorCache, type VectorCacheOptions } from '#lib/text/vector-cache';
import { computedOf, DIGEST, vectorOf } from './text-vector.mjs';

export { computedOf, vectorOf };

/** A message of a cache to its logger. */
export interface Said {
  level: string;
  message: string;
}

/** Opens a cache of vectors [16], without a logger unless one is given. */
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

export function numbered(n: number, prefix = 'text '): string[] {
  return Array.from({ length: n }, (_, i) => `${prefix}${i}`);
}
