import { callNative, loadNative } from '../native';
import { ofThisRealm } from '../typed-array';
import type { Place } from './requests';

/**
 * Gives out an embedding that is not normalised yet, as a session does: a zero vector stays zero.
 *
 * @throws RangeError (ERR_INVALID_BUFFER) where the place's memory was taken away meanwhile
 */
export function deliver(
  embedding: Float32Array,
  normalize: boolean,
  { out, outOffset }: Place,
): Float32Array {
  const { deliver } = loadNative();
  return ofThisRealm(callNative(() => deliver(embedding, normalize, out, outOffset)));
}
