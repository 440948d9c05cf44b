import { allocateRows } from '../allocate';
import { invalidBuffer } from '../arguments';
import { forEachConcurrently } from '../async/concurrency';
import { type ResolvedEncodeOptions, resolveEncodeOptions } from '../options';
import { Embeddings } from './embeddings';
import { ENCODE_OPTIONS } from './encode-options';
import type { Place } from './requests';

/** Rows to encode, and the memory for the results. */
export interface Rows {
  count: number;
  /** Length of a row. */
  dim: number;
  /** [count · dim] */
  out: Float32Array;
  /** Number of rows pending at once. */
  atOnce: number;
}

/** Allocates the results first, so that an array that claims an absurd length is never read. */
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

/** Returns a row. It throws if the caller has detached the memory. */
export function rowOf(features: Float32Array, i: number, width: number): Float32Array {
  const row = features.subarray(i * width, (i + 1) * width);
  if (row.length === width) return row;
  throw invalidBuffer(`rows of ${width} numbers until they are read`, 'features', features);
}

/** Encodes rows into one array. With `onError: 'collect'` a row that fails is NaN. */
export async function encodeRows(
  { count, dim, out, atOnce }: Rows,
  { onError, signal }: ResolvedEncodeOptions,
  encode: (i: number, place: Place) => Promise<unknown>,
): Promise<Embeddings> {
  const errors = new Map<number, unknown>();
  const { length } = out;
  await forEachConcurrently(count, atOnce, async (i) => {
    try {
      await encode(i, { waits: true, out, outOffset: i * dim });
    } catch (error) {
      const lost = out.length !== length; // The caller has detached the memory.
      if (onError === 'throw' || signal?.aborted || lost) throw error;
      errors.set(i, error);
      out.fill(Number.NaN, i * dim, (i + 1) * dim);
    }
  });
  return new Embeddings(out, dim, errors);
}
