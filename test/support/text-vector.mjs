import { createHash } from 'node:crypto';

/**
 * Computes the vector of a text by a simple rule.
 * @param {string} text
 * @param {number} dim
 */
export function vectorOf(text, dim) {
  const bytes = createHash('shake256', { outputLength: 2 * dim })
    .update(text)
    .digest();
  return Float32Array.from({ length: dim }, (_, i) => bytes.readInt16LE(2 * i) / 4096);
}

export const DIGEST = createHash('sha256').update('a bundle').digest('hex');

/**
 * Gets the vectors of texts, and returns the texts that had to be computed. Throws for a wrong
 * vector.
 * @param {import('#lib/text/vector-cache').VectorCache} cache
 * @param {number} dim
 * @param {readonly string[]} texts
 */
export async function computedOf(cache, dim, texts) {
  /** @type {string[]} */
  const computed = [];
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
