import { LLM2CLIPError } from './errors';

/**
 * Allocates memory for rows of numbers, filled with zeros.
 *
 * @param what Name of the rows in error messages.
 * @throws LLM2CLIPError ERR_OUT_OF_MEMORY
 */
export function allocateRows(count: number, width: number, what: string): Float32Array {
  try {
    return new Float32Array(count * width);
  } catch (cause) {
    const message = `cannot get memory for ${count} ${what} of ${width} numbers; pass fewer at a time`;
    throw new LLM2CLIPError('ERR_OUT_OF_MEMORY', message, { cause });
  }
}
