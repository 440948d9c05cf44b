import { forEachConcurrently } from './concurrency';
import { Embeddings } from './embeddings';
import type { ResolvedEncodeOptions } from './options';
import type { Place } from './requests';

/** Rows to be encoded, and where to. */
export interface Rows {
  count: number;
  /** Numbers of a row. */
  dim: number;
  /** [count · dim] */
  out: Float32Array;
  /** Rows under way at once. */
  atOnce: number;
}

/** Encodes row after row into one array; with `onError: 'collect'` one that fails is NaN. */
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
      const lost = out.length !== length; // taken away meanwhile
      if (onError === 'throw' || signal?.aborted || lost) throw error;
      errors.set(i, error);
      out.fill(Number.NaN, i * dim, (i + 1) * dim);
    }
  });
  return new Embeddings(out, dim, errors);
}
