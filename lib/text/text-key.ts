import { createHash } from 'node:crypto';
import { promptOf } from './prompt';

/** In UTF-16 units: hashing more would hold up the event loop, and hardly anyone asks it twice. */
const LONGEST = 1 << 16;

/** Bytes of a key, and characters of it as a string. */
export const KEY_BYTES = 32;

/**
 * What texts have in common that become the same tokens, the same ones of them averaged: the sha256
 * of the prompt, a character a byte. None of a text that is too long to be kept.
 */
export function textKey(text: string): string | undefined {
  if (text.length > LONGEST) return undefined;
  const { whole, counted } = promptOf(text);
  // What is counted is where the text begins in the whole: its length tells all of it.
  return createHash('sha256').update(`${counted.length} ${whole}`).digest('binary');
}
