import { types } from 'node:util';
import { invalidBuffer, invalidType, isObject } from '../arguments';
import { cosine } from '../eval/parity';
import type { Patches } from '../model/patches';
import { ownFloats } from '../typed-array';

/** One number per patch, row-major. */
export interface Grid {
  values: Float64Array;
  rows: number;
  columns: number;
}

function requirePatches(value: unknown): Pick<Patches, 'data' | 'shape'> {
  const { data: given, shape }: Record<string, unknown> = isObject(value) ? value : {};
  const whole =
    Array.isArray(shape) &&
    shape.length === 3 &&
    shape.every((size) => Number.isInteger(size) && size > 0);
  if (!whole || !types.isFloat32Array(given)) {
    throw invalidType('patches of encodeImage', 'patches', value);
  }
  const [rows, columns, width] = shape as [number, number, number];
  const data = ownFloats(given, 'patches.data');
  if (data.length === rows * columns * width) return { data, shape: [rows, columns, width] };
  throw invalidBuffer(`${rows} × ${columns} × ${width} numbers`, 'patches.data', data);
}

function requireText(value: unknown, width: number): Float32Array {
  if (!types.isFloat32Array(value)) throw invalidType('a Float32Array', 'text', value);
  const numbers = ownFloats(value, 'text');
  if (numbers.length === width) return numbers;
  throw invalidBuffer(`${width} numbers, as a patch has (without options.layer)`, 'text', numbers);
}

/** Returns the cosine of two vectors, or 0 if one of them is zero. */
function cosineOrZero(a: Float32Array, b: Float32Array): number {
  const isZero = (vector: Float32Array) => vector.every((x) => x === 0);
  return isZero(a) || isZero(b) ? 0 : cosine(a, b);
}

/**
 * Computes the cosine between each patch and a text's embedding.
 *
 * @throws TypeError, RangeError (ERR_INVALID_ARG, ERR_INVALID_BUFFER)
 */
export function similarities(patches: unknown, text: unknown): Grid {
  const { data, shape } = requirePatches(patches);
  const [rows, columns, width] = shape;
  const other = requireText(text, width);
  const values = Float64Array.from({ length: rows * columns }, (_, i) =>
    cosineOrZero(data.subarray(i * width, (i + 1) * width), other),
  );
  if (!values.every(Number.isFinite)) {
    throw invalidBuffer('finite numbers', 'patches and text', values);
  }
  return { values, rows, columns };
}
