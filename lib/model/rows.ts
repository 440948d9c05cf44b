import { allocateRows } from '../allocate';
import { invalidBuffer } from '../arguments';
import { forEachConcurrently } from '../async/concurrency';
import { type ResolvedEncodeOptions, resolveEncodeOptions } from '../options';
import { Embeddings } from './embeddings';
import { ENCODE_OPTIONS } from './encode-options';
import type { Target } from './requests';

/** Rows to encode, and the memory for their results. */
export interface Rows {
  count: number;
  /** Length of a row. */
  dim: number;
  /** [count · dim] */
  out: Float32Array;
  /** Largest number of rows in flight. */
  atOnce: number;
}

/**
 * Resolves the options of a call for many. Memory for all rows is allocated first, so that nothing
 * is read from an array whose claimed length exceeds the memory.
 */
export function rowsOptions(
  options: unknown,
  count: number,
  dim: number,
  what: 'images' | 'texts' | 'features',
) {
  const length = count * dim;
  const resolved = resolveEncodeOptions(options, length, ENCODE_OPTIONS[what]);
  return { resolved, out: resolved.out?.subarray(0, length) ?? allocateRows(count, dim, what) };
}

/** Returns the i-th row. If the memory was detached during the call, there are no rows. */
export function rowOf(features: Float32Array, i: number, width: number): Float32Array {
  const row = features.subarray(i * width, (i + 1) * width);
  if (row.length === width) return row;
  throw invalidBuffer(`rows of ${width} numbers until they are read`, 'features', features);
}

/**
 * Encodes rows one after the other into one array. With `onError: 'collect'` a failed row becomes
 * NaN.
 */
export async function encodeRows(
  { count, dim, out, atOnce }: Rows,
  { onError, signal }: ResolvedEncodeOptions,
  encode: (i: number, target: Target) => Promise<unknown>,
): Promise<Embeddings> {
  const errors = new Map<number, unknown>();
  const { length } = out;
  await forEachConcurrently(count, atOnce, async (i) => {
    try {
      await encode(i, { waits: true, out, outOffset: i * dim });
    } catch (error) {
      const lost = out.length !== length; // The memory was detached during the call.
      if (onError === 'throw' || signal?.aborted || lost) throw error;
      errors.set(i, error);
      out.fill(Number.NaN, i * dim, (i + 1) * dim);
    }
  });
  return new Embeddings(out, dim, errors);
}
