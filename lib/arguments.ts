import { inspect } from 'node:util';

/** Codes of bad arguments, which are TypeErrors and RangeErrors, as Node's own are. */
export type ArgumentCode = 'ERR_INVALID_ARG' | 'ERR_INVALID_BUFFER';

function withCode<E extends Error>(error: E, code: ArgumentCode): E & { code: ArgumentCode } {
  return Object.assign(error, { code });
}

function message(expected: string, name: string, received: unknown): string {
  const shown = inspect(received, { depth: 0, maxArrayLength: 4, maxStringLength: 80 });
  return `expected ${expected} for ${name}, received ${shown}`;
}

/** A value of the wrong type: "expected a path for image, received 7". */
export function invalidType(expected: string, name: string, received: unknown): TypeError {
  return withCode(new TypeError(message(expected, name, received)), 'ERR_INVALID_ARG');
}

/** A value of the right type that lies outside what is allowed. */
export function invalidRange(expected: string, name: string, received: unknown): RangeError {
  return withCode(new RangeError(message(expected, name, received)), 'ERR_INVALID_ARG');
}

/** Memory that cannot be used: detached, of the wrong length, of the wrong element type. */
export function invalidBuffer(expected: string, name: string, received: unknown): RangeError {
  return withCode(new RangeError(message(expected, name, received)), 'ERR_INVALID_BUFFER');
}

/** A file that a caller named whose content cannot be used; the whole message is given. */
export function invalidContent(text: string): RangeError {
  return withCode(new RangeError(text), 'ERR_INVALID_ARG');
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** An options bag: absent is empty. */
export function optionsBag(value: unknown, name: string): Record<string, unknown> {
  if (value === undefined) return {};
  if (!isObject(value)) throw invalidType('an object', name, value);
  return value;
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

/** From 0 to what a timer can count, 2³¹ − 1. */
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

/** What it takes and gives cannot be seen. */
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
