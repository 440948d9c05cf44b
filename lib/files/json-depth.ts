import { isObject } from '../arguments';

/** Levels of arrays and objects in each other; what this project writes has a handful. */
const DEEPEST = 64;

/**
 * Whether parsed JSON of an untrusted file lies so deep that what walks it later, as JSON.stringify
 * does, would run out of stack.
 */
export function isTooDeep(value: unknown, levels = DEEPEST): boolean {
  if (!isObject(value)) return false;
  return levels === 0 || Object.values(value).some((item) => isTooDeep(item, levels - 1));
}
