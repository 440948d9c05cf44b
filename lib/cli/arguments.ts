import { InvalidArgumentError } from 'commander';

/** Parses an integer of at least 1. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('expected a whole number of at least 1');
}
