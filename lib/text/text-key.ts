import { createHash } from 'node:crypto';
import { promptOf } from './prompt';

/**
 * Longest text that is cached, in UTF-16 units. Hashing a longer one would block the event loop,
 * and such texts are rarely repeated.
 */
const LONGEST = 1 << 16;

/** Length of a key: in bytes, and in characters of the string. */
export const KEY_BYTES = 32;

/**
 * Returns the cache key of a text: the sha256 of its prompt, one character per byte. Texts with the
 * same key have the same tokens and the same mean. A text that is too long to cache has no key.
 */
export function textKey(text: string): string | undefined {
  if (text.length > LONGEST) return undefined;
  const { whole, counted } = promptOf(text);
  // `counted` follows the header in `whole`, so its length identifies it.
  return createHash('sha256').update(`${counted.length} ${whole}`).digest('binary');
}
