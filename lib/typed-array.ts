// Callers' memory. What an array says of itself (length, buffer, class, methods) may be replaced by
// whoever made it; only the getters of the language itself tell what is there.
import { types } from 'node:util';
import { invalidBuffer } from './arguments';

type TypedArray = NodeJS.TypedArray;

/** Arrays whose memory native code reads. */
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

/** How many numbers an array has. */
export const lengthOf: (array: TypedArray) => number = getterOf(ANY, 'length');

/** The memory that an array shows a part of. */
export const bufferOf: (array: TypedArray) => ArrayBufferLike = getterOf(ANY, 'buffer');

/** Whether it is a Float16Array, which Node knows since version 24. */
export function isFloat16Array(value: unknown): value is TypedArray {
  return types.isTypedArray(value) && kindOf(value) === 'Float16Array';
}

/** Bytes of an ArrayBuffer or SharedArrayBuffer. */
export function bufferBytes(buffer: ArrayBufferLike): number {
  return types.isSharedArrayBuffer(buffer) ? sharedBytesOf(buffer) : unsharedBytesOf(buffer);
}

type MakeView<T> = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => T;

/** A view of another buffer, of the same kind as one of the library's own. */
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
 * The memory of a caller's array, as an array of the library's own.
 *
 * @param kind As what; a Float16Array's numbers are the bits of a Uint16Array.
 * @throws RangeError ERR_INVALID_BUFFER where the memory is no longer there
 */
export function ownView<Name extends keyof Arrays>(
  kind: Name,
  array: TypedArray,
  name: string,
): Arrays[Name] {
  try {
    // An array that lost its memory looks empty; only copying it tells.
    if (lengthOf(array) === 0) new Uint8Array(array as Uint8Array);
    const Own = ARRAYS[kind] as unknown as MakeView<Arrays[Name]>;
    return new Own(bufferOf(array), offsetOf(array), lengthOf(array));
  } catch {
    throw invalidBuffer('memory that is not detached', name, array);
  }
}

/** The same of numbers. */
export function ownFloats(array: Float32Array, name: string): Float32Array {
  return ownView('Float32Array', array, name);
}

/** An array that native code made, as one of the realm in which this library was loaded. */
export function ofThisRealm(array: Float32Array): Float32Array {
  if (array instanceof Float32Array) return array;
  return new Float32Array(bufferOf(array), offsetOf(array), lengthOf(array));
}

interface Extent {
  buffer: ArrayBufferLike;
  begin: number;
  end: number;
}

/** Where a piece of memory lies. */
export function extentOf(memory: TypedArray | ArrayBufferLike): Extent {
  if (types.isAnyArrayBuffer(memory)) {
    return { buffer: memory, begin: 0, end: bufferBytes(memory) };
  }
  const begin = offsetOf(memory);
  return { buffer: bufferOf(memory), begin, end: begin + bytesOf(memory) };
}
