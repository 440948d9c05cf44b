import { types } from 'node:util';
import { invalidBuffer } from '../arguments';
import {
  bufferBytes,
  bufferOf,
  extentOf,
  lengthOf,
  ownView,
  type View,
  viewLike,
} from '../typed-array';

/**
 * Makes a view of a caller's bytes. They may come from another realm, as under test runners.
 *
 * @throws RangeError ERR_INVALID_BUFFER if the memory is detached.
 */
export function viewBytes(bytes: Uint8Array | ArrayBufferLike, name: string): Uint8Array {
  if (!types.isAnyArrayBuffer(bytes)) return ownView('Uint8Array', bytes, name);
  try {
    return new Uint8Array(bytes);
  } catch {
    throw invalidBuffer('memory that is not detached', name, bytes);
  }
}

/** Whether the memory is a SharedArrayBuffer, which cannot be detached while it is in use. */
export function isShared(view: View): boolean {
  return types.isSharedArrayBuffer(bufferOf(view));
}

/** Whether two pieces of memory share at least one byte. */
export function overlap(a: NodeJS.TypedArray | ArrayBufferLike, b: NodeJS.TypedArray): boolean {
  const [one, other] = [extentOf(a), extentOf(b)];
  return one.buffer === other.buffer && one.begin < other.end && other.begin < one.end;
}

/**
 * Transfers memory from the caller to this library without copying. The caller's view is detached.
 * Shared memory is returned as it is.
 *
 * @param view The library's own view; see ownView.
 * @throws RangeError ERR_INVALID_BUFFER for memory that cannot be detached: that of a pooled
 *   Buffer, which other Buffers share, or of WebAssembly.
 */
export function takeOver<T extends View>(view: T, name: string): T {
  const { buffer, begin } = extentOf(view);
  if (types.isSharedArrayBuffer(buffer)) return view;
  const length = lengthOf(view);
  const taken = detach(buffer as ArrayBuffer);
  if (taken === undefined) {
    throw invalidBuffer('memory that can be transferred (not a pooled Buffer)', name, view);
  }
  return viewLike(view, taken, begin, length);
}

function detach(buffer: ArrayBuffer): ArrayBuffer | undefined {
  try {
    const taken = structuredClone(buffer, { transfer: [buffer] });
    // Node 20 copies memory that it cannot transfer.
    return bufferBytes(buffer) === 0 ? taken : undefined;
  } catch {
    return undefined;
  }
}
