import { types } from 'node:util';
import { invalidBuffer } from '../arguments';

/** A caller's bytes: an encoded file, or 8-bit pixels. Of any realm, as under test runners. */
export type Bytes = Uint8Array | Uint8ClampedArray | ArrayBufferLike;

/**
 * A copy in memory of its own: sharp and the engine read on other threads, where memory that its
 * owner detaches or shrinks would be gone.
 */
export function copyBytes(bytes: Bytes, name: string): Uint8Array {
  try {
    return new Uint8Array(types.isAnyArrayBuffer(bytes) ? new Uint8Array(bytes) : bytes);
  } catch {
    throw invalidBuffer('memory that is not detached', name, bytes);
  }
}
