import { invalidBuffer } from '../arguments';
import type { Place } from './requests';

/**
 * Gives out an embedding that is not normalised yet, as native code does: a zero vector stays zero.
 *
 * @throws RangeError (ERR_INVALID_BUFFER) where the place's memory was taken away meanwhile
 */
export function deliver(
  embedding: Float32Array,
  normalize: boolean,
  { out, outOffset }: Place,
): Float32Array {
  const scale = normalize ? inverseNorm(embedding) : 1;
  const scaled = embedding.map((x) => x * scale);
  if (out === undefined) return scaled;
  if (out.length < outOffset + scaled.length) {
    throw invalidBuffer('memory that still holds the result', 'options.out', out);
  }
  out.set(scaled, outOffset);
  return out;
}

function inverseNorm(embedding: Float32Array): number {
  let squares = 0;
  for (const x of embedding) squares += x * x;
  return squares > 0 ? 1 / Math.sqrt(squares) : 0;
}
