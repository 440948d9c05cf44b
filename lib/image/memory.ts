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
 * A caller's bytes. Of any realm, as under test runners.
 *
 * @throws RangeError ERR_INVALID_BUFFER where they are no longer there.
 */
export function viewBytes(bytes: Uint8Array | ArrayBufferLike, name: string): Uint8Array {
  if (!types.isAnyArrayBuffer(bytes)) return ownView('Uint8Array', bytes, name);
  try {
    return new Uint8Array(bytes);
  } catch {
    throw invalidBuffer('memory that is not detached', name, bytes);
  }
}

/** Memory that can neither be detached nor freed while somebody holds it. */
export function isShared(view: View): boolean {
  return types.isSharedArrayBuffer(bufferOf(view));
}

/** Whether two pieces of memory have a byte in common. */
export function overlap(a: NodeJS.TypedArray | ArrayBufferLike, b: NodeJS.TypedArray): boolean {
  const [one, other] = [extentOf(a), extentOf(b)];
  return one.buffer === other.buffer && one.begin < other.end && other.begin < one.end;
}

/**
 * The same memory under a new owner, this library; the caller's view is detached.
 *
 * @param view The library's own, see ownView.
 * @throws RangeError ERR_INVALID_BUFFER for memory that cannot be detached: a pooled Buffer's, which
 *   others share, or WebAssembly's.
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
    // Node 20 copies what it may not transfer.
    return bufferBytes(buffer) === 0 ? taken : undefined;
  } catch {
    return undefined;
  }
}
