import { invalidType } from '../arguments';

/**
 * Asserts that a value is a string.
 *
 * @throws TypeError (ERR_INVALID_ARG)
 */
export function requireText(text: unknown, name: string): asserts text is string {
  if (typeof text !== 'string') throw invalidType('a string', name, text);
}

/**
 * Copies a caller's texts, so that later changes of its array have no effect.
 *
 * @throws TypeError (ERR_INVALID_ARG)
 */
export function copyTexts(texts: readonly unknown[], count: number): string[] {
  const own: string[] = [];
  for (let i = 0; i < count; i++) {
    const text = texts[i];
    requireText(text, `texts[${i}]`);
    own.push(text);
  }
  return own;
}
