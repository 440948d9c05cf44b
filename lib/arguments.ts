import { inspect } from 'node:util';

/** The `code` of errors for bad arguments. They are TypeErrors and RangeErrors, like Node's own. */
export type ArgumentCode = 'ERR_INVALID_ARG' | 'ERR_INVALID_BUFFER';

function withCode<E extends Error>(error: E, code: ArgumentCode): E & { code: ArgumentCode } {
  return Object.assign(error, { code });
}

function message(expected: string, name: string, received: unknown): string {
  const shown = inspect(received, { depth: 0, maxArrayLength: 4, maxStringLength: 80 });
  return `expected ${expected} for ${name}, received ${shown}`;
}

/** The error for a value of the wrong type, e.g. "expected a path for image, received 7". */
export function invalidType(expected: string, name: string, received: unknown): TypeError {
  return withCode(new TypeError(message(expected, name, received)), 'ERR_INVALID_ARG');
}

/** The error for a value of the right type that is not allowed. */
export function invalidRange(expected: string, name: string, received: unknown): RangeError {
  return withCode(new RangeError(message(expected, name, received)), 'ERR_INVALID_ARG');
}

/** The error for memory that cannot be used: detached, or with the wrong length or element type. */
export function invalidBuffer(expected: string, name: string, received: unknown): RangeError {
  return withCode(new RangeError(message(expected, name, received)), 'ERR_INVALID_BUFFER');
}

/**
 * The error for a file with unusable content whose path the caller passed. `text` is the whole
 * message.
 */
export function invalidContent(text: string): RangeError {
  return withCode(new RangeError(text), 'ERR_INVALID_ARG');
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Returns the names of all options of T. The compiler checks that none is missing. */
export function optionNames<T extends object>(names: Record<keyof T, true>): readonly string[] {
  return Object.keys(names);
}

/**
 * Checks an options object; undefined stands for an empty one. Unknown options are refused, because
 * a misspelt option would have no effect. Symbols and inherited properties are ignored.
 *
 * @param expected Describes the allowed values in error messages.
 * @throws TypeError (ERR_INVALID_ARG)
 */
export function optionsBag(
  value: unknown,
  name: string,
  known: readonly string[],
  expected = 'an object',
): Record<string, unknown> {
  if (value === undefined) return {};
  if (!isObject(value)) throw invalidType(expected, name, value);
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw unknownOption(unknown, name, known);
  return value;
}

/**
 * Counts the letters to insert, delete or replace to turn one word into another (Levenshtein
 * distance).
 */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const changed = (row[j] as number) + (letter === b[j] ? 0 : 1);
      next.push(Math.min(changed, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/**
 * Returns the known word that is most similar to a misspelt one, or undefined if none is similar.
 */
function nearestOf(word: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let least = Math.ceil(word.length / 3) + 1;
  // The distance to a longer word is at least the difference of their lengths.
  const near = known.filter((each) => Math.abs(each.length - word.length) < least);
  for (const candidate of near) {
    const found = distance(word.toLowerCase(), candidate.toLowerCase());
    if (found < least) [nearest, least] = [candidate, found];
  }
  return nearest;
}

function unknownOption(key: string, name: string, known: readonly string[]): TypeError {
  const nearest = nearestOf(key, known);
  const what = `a known option${name === 'options' ? '' : ` in ${name}`}`;
  const expected = nearest === undefined ? `${what} (${known.join(', ')})` : what;
  const question = nearest === undefined ? '' : `; did you mean '${nearest}'?`;
  const found = inspect(key, { maxStringLength: 80 });
  const text = `expected ${expected}, found ${found}${question}`;
  return withCode(new TypeError(text), 'ERR_INVALID_ARG');
}

export function optionalBoolean(value: unknown, name: string, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== 'boolean') throw invalidType('a boolean', name, value);
  return value;
}

export function optionalString(value: unknown, name: string): string | undefined {
  if (value !== undefined && typeof value !== 'string') throw invalidType('a string', name, value);
  return value;
}

export function nonEmptyString(value: unknown, name: string): string {
  if (typeof value !== 'string' || value === '') throw invalidType('a path', name, value);
  return value;
}

export function optionalInteger(
  value: unknown,
  name: string,
  fallback: number,
  [least, most]: readonly [number, number],
): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number') throw invalidType('an integer', name, value);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw invalidRange(`an integer from ${least} to ${most}`, name, value);
  }
  return value;
}

/** Checks a time in milliseconds, from 0 to 2³¹ − 1, the longest time that a timer can count. */
export function optionalMilliseconds(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number') throw invalidType('a number of milliseconds', name, value);
  if (!(value >= 0 && value <= 2 ** 31 - 1)) {
    throw invalidRange('milliseconds from 0 to 2147483647', name, value);
  }
  return value;
}

export function optionalOneOf<T extends string>(
  value: unknown,
  name: string,
  fallback: T,
  choices: readonly T[],
): T {
  if (value === undefined) return fallback;
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw invalidRange(`one of ${choices.join(', ')}`, name, value);
  return found;
}

/** Checks only that the value is a function; parameters and result cannot be checked. */
export function optionalFunction<F extends (...args: never[]) => unknown>(
  value: unknown,
  name: string,
): F | undefined {
  if (value === undefined || typeof value === 'function') return value as F | undefined;
  throw invalidType('a function', name, value);
}

export function optionalSignal(value: unknown, name: string): AbortSignal | undefined {
  if (value !== undefined && !(value instanceof AbortSignal)) {
    throw invalidType('an AbortSignal', name, value);
  }
  return value;
}
