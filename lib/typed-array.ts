// Reads callers' typed arrays. A caller can override an array's properties (length, buffer, class,
// methods), so that only the built-in getters of the prototypes are reliable.
import { types } from 'node:util';
import { invalidBuffer } from './arguments';

type TypedArray = NodeJS.TypedArray;

/** Kinds of arrays whose memory native code reads. */
const ARRAYS = { Uint8Array, Uint8ClampedArray, Uint16Array, Float32Array };
interface Arrays {
  Uint8Array: Uint8Array;
  Uint8ClampedArray: Uint8ClampedArray;
  Uint16Array: Uint16Array;
  Float32Array: Float32Array;
}
export type View = Arrays[keyof Arrays];

function getterOf<T>(prototype: object, name: PropertyKey): (value: object) => T {
  const { get } = Object.getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor;
  return (value) => Reflect.apply(get as () => T, value, []);
}

const ANY = Object.getPrototypeOf(Uint8Array.prototype) as object;
const kindOf = getterOf<string | undefined>(ANY, Symbol.toStringTag);
const offsetOf = getterOf<number>(ANY, 'byteOffset');
const bytesOf = getterOf<number>(ANY, 'byteLength');
const unsharedBytesOf = getterOf<number>(ArrayBuffer.prototype, 'byteLength');
const sharedBytesOf = getterOf<number>(SharedArrayBuffer.prototype, 'byteLength');

/** Returns the number of elements of an array. */
export const lengthOf: (array: TypedArray) => number = getterOf(ANY, 'length');

/** Returns the memory that an array is a view of. */
export const bufferOf: (array: TypedArray) => ArrayBufferLike = getterOf(ANY, 'buffer');

/** Whether a value is a Float16Array. Node has had this class since version 24. */
export function isFloat16Array(value: unknown): value is TypedArray {
  return types.isTypedArray(value) && kindOf(value) === 'Float16Array';
}

/** Returns the size of an ArrayBuffer or SharedArrayBuffer in bytes. */
export function bufferBytes(buffer: ArrayBufferLike): number {
  return types.isSharedArrayBuffer(buffer) ? sharedBytesOf(buffer) : unsharedBytesOf(buffer);
}

type MakeView<T> = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => T;

/** Makes a view of another buffer, of the same kind as `view`, which must be the library's own. */
export function viewLike<T extends View>(
  view: T,
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
): T {
  const Same = ARRAYS[kindOf(view) as keyof Arrays] as unknown as MakeView<T>;
  return new Same(buffer, byteOffset, length);
}

/**
 * Makes the library's own view of the memory of a caller's array.
 *
 * @param kind Class of the new view. Use Uint16Array for the bits of a Float16Array.
 * @throws RangeError ERR_INVALID_BUFFER if the memory is detached.
 */
export function ownView<Name extends keyof Arrays>(
  kind: Name,
  array: TypedArray,
  name: string,
): Arrays[Name] {
  try {
    // A detached array looks empty. Only an attempt to copy it fails.
    if (lengthOf(array) === 0) new Uint8Array(array as Uint8Array);
    const Own = ARRAYS[kind] as unknown as MakeView<Arrays[Name]>;
    return new Own(bufferOf(array), offsetOf(array), lengthOf(array));
  } catch {
    throw invalidBuffer('memory that is not detached', name, array);
  }
}

/** Like ownView, for an array of numbers. */
export function ownFloats(array: Float32Array, name: string): Float32Array {
  return ownView('Float32Array', array, name);
}

/**
 * Returns an array made by native code as an instance of this realm's Float32Array. Test runners
 * load this library in a realm of its own.
 */
export function ofThisRealm(array: Float32Array): Float32Array {
  if (array instanceof Float32Array) return array;
  return new Float32Array(bufferOf(array), offsetOf(array), lengthOf(array));
}

interface Extent {
  buffer: ArrayBufferLike;
  begin: number;
  end: number;
}

/** Returns the buffer of a piece of memory, and the bytes of the buffer that it covers. */
export function extentOf(memory: TypedArray | ArrayBufferLike): Extent {
  if (types.isAnyArrayBuffer(memory)) {
    return { buffer: memory, begin: 0, end: bufferBytes(memory) };
  }
  const begin = offsetOf(memory);
  return { buffer: bufferOf(memory), begin, end: begin + bytesOf(memory) };
}
