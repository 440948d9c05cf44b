import { types } from 'node:util';
import { invalidBuffer } from '../arguments';

/** A caller's bytes: an encoded file, or 8-bit pixels. Of any realm, as under test runners. */
export type Bytes = Uint8Array | Uint8ClampedArray | ArrayBufferLike;

/** A copy in memory of its own: sharp reads on other threads, while the caller goes on writing. */
export function copyBytes(bytes: Bytes, name: string): Uint8Array {
  try {
    return new Uint8Array(types.isAnyArrayBuffer(bytes) ? new Uint8Array(bytes) : bytes);
  } catch {
    throw invalidBuffer('memory that is not detached', name, bytes);
  }
}

/** Memory that can neither be detached nor freed while somebody holds it. */
export function isShared(view: ArrayBufferView): boolean {
  return types.isSharedArrayBuffer(view.buffer);
}

type View = Uint8Array | Uint8ClampedArray | Uint16Array | Float32Array;

/**
 * The same memory under a new owner, this library; the caller's view is detached.
 *
 * @throws RangeError ERR_INVALID_BUFFER for memory that cannot be detached: a pooled Buffer's, which
 *   others share, or WebAssembly's.
 */
export function takeOver<T extends View>(view: T, name: string): T {
  const { buffer, byteOffset, length } = view;
  if (types.isSharedArrayBuffer(buffer)) return view;
  try {
    const taken = structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
    const Same = view.constructor as new (b: ArrayBufferLike, o: number, l: number) => T;
    return Buffer.isBuffer(view)
      ? (Buffer.from(taken, byteOffset, length) as unknown as T)
      : new Same(taken, byteOffset, length);
  } catch {
    throw invalidBuffer('memory that can be transferred (not a pooled Buffer)', name, view);
  }
}
