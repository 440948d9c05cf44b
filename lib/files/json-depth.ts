import { isObject } from '../arguments';

/**
 * Largest depth of nested arrays and objects. The files of this project have fewer than ten levels.
 */
const DEEPEST = 64;

/**
 * Whether parsed JSON from an untrusted file is nested so deeply that code that walks it later,
 * such as JSON.stringify, could overflow the stack.
 */
export function isTooDeep(value: unknown, levels = DEEPEST): boolean {
  if (!isObject(value)) return false;
  return levels === 0 || Object.values(value).some((item) => isTooDeep(item, levels - 1));
}
