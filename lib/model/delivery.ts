import { callNative, loadNative } from '../native';
import { ofThisRealm } from '../typed-array';
import type { Target } from './requests';

/**
 * Writes an embedding that is not normalised yet to its target, as a session does. A zero vector
 * stays zero.
 *
 * @throws RangeError (ERR_INVALID_BUFFER) if the target's memory was detached during the call
 */
export function deliver(
  embedding: Float32Array,
  normalize: boolean,
  { out, outOffset }: Target,
): Float32Array {
  const { deliver } = loadNative();
  return ofThisRealm(callNative(() => deliver(embedding, normalize, out, outOffset)));
}
