import { types } from 'node:util';
import { invalidBuffer } from '../arguments';

/**
 * A caller's bytes. Of any realm, as under test runners.
 *
 * @throws RangeError ERR_INVALID_BUFFER where they are no longer there.
 */
export function viewBytes(bytes: Uint8Array | ArrayBufferLike, name: string): Uint8Array {
  try {
    const view = types.isAnyArrayBuffer(bytes) ? new Uint8Array(bytes) : bytes;
    // A view that lost its memory looks empty; only copying it tells.
    if (view.length === 0) new Uint8Array(view);
    return view;
  } catch {
    throw invalidBuffer('memory that is not detached', name, bytes);
  }
}

/** Memory that can neither be detached nor freed while somebody holds it. */
export function isShared(view: ArrayBufferView): boolean {
  return types.isSharedArrayBuffer(view.buffer);
}

/** Whether two pieces of memory have a byte in common. */
export function overlap(a: ArrayBufferView | ArrayBufferLike, b: ArrayBufferView): boolean {
  const { buffer, byteOffset, byteLength } = ArrayBuffer.isView(a)
    ? a
    : { buffer: a, byteOffset: 0, byteLength: a.byteLength };
  return (
    buffer === b.buffer &&
    byteOffset < b.byteOffset + b.byteLength &&
    b.byteOffset < byteOffset + byteLength
  );
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
  const taken = detach(buffer as ArrayBuffer);
  if (taken === undefined) {
    throw invalidBuffer('memory that can be transferred (not a pooled Buffer)', name, view);
  }
  if (Buffer.isBuffer(view)) return Buffer.from(taken, byteOffset, length) as unknown as T;
  const Same = view.constructor as new (b: ArrayBufferLike, o: number, l: number) => T;
  return new Same(taken, byteOffset, length);
}

function detach(buffer: ArrayBuffer): ArrayBuffer | undefined {
  try {
    const taken = structuredClone(buffer, { transfer: [buffer] });
    // Node 20 copies what it may not transfer.
    return buffer.byteLength === 0 ? taken : undefined;
  } catch {
    return undefined;
  }
}
