import type { Random } from './random.mts';

/** What a reader is given: the bytes of a file, and where it matters, which surroundings it has. */
export interface Input {
  bytes: Buffer;
  beside?: string;
}

/** A reader of something from outside, and inputs for it. */
export interface Target {
  /** Whether an input may take any time and memory, because the product ends the thread that reads it. */
  mayGoOn?: boolean;
  /** A seed, one to four times changed. */
  next(random: Random): Input;
  /**
   * Reads an input.
   *
   * @returns what became of it, e.g. `refused`
   * @throws what is a bug: another error than one of the refusals, or a wrong result
   */
  run(input: Input): string | Promise<string>;
}

/** One to four changes. */
export function changed<T>(seed: T, random: Random, change: (value: T) => T): T {
  let result = seed;
  for (let more = random.below(4); more >= 0; more--) result = change(result);
  return result;
}
