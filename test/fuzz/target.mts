import type { Random } from './random.mts';

/**
 * The input of a reader: the bytes of a file and, for some readers, the environment of the file.
 */
export interface Input {
  bytes: Buffer;
  beside?: string;
}

/** A reader of outside files, and a source of inputs for it. */
export interface Target {
  /**
   * Whether an input may take any time and memory, because the product terminates the reading
   * thread.
   */
  mayGoOn?: boolean;
  /** Makes an input: a seed with one to four changes. */
  next(random: Random): Input;
  /**
   * Reads an input.
   *
   * @returns the outcome, e.g. `refused`
   * @throws for a bug: an error that is not one of the refusals, or a wrong result
   */
  run(input: Input): string | Promise<string>;
}

/** Applies one to four changes. */
export function changed<T>(seed: T, random: Random, change: (value: T) => T): T {
  let result = seed;
  for (let more = random.below(4); more >= 0; more--) result = change(result);
  return result;
}
