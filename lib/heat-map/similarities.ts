import { types } from 'node:util';
import { invalidBuffer, invalidType, isObject } from '../arguments';
import { cosine } from '../parity';
import type { Patches } from '../patches';

/** One number a patch, row after row. */
export interface Grid {
  values: Float64Array;
  rows: number;
  columns: number;
}

function requirePatches(value: unknown): Pick<Patches, 'data' | 'shape'> {
  const whole =
    isObject(value) &&
    types.isFloat32Array(value.data) &&
    Array.isArray(value.shape) &&
    value.shape.length === 3 &&
    value.shape.every((size) => Number.isInteger(size) && size > 0);
  if (!whole) throw invalidType('patches of encodeImage', 'patches', value);
  const patches = value as unknown as Pick<Patches, 'data' | 'shape'>;
  const [rows, columns, width] = patches.shape;
  if (patches.data.length !== rows * columns * width) {
    throw invalidBuffer(`${rows} × ${columns} × ${width} numbers`, 'patches.data', patches.data);
  }
  return patches;
}

function requireText(value: unknown, width: number): Float32Array {
  if (!types.isFloat32Array(value)) throw invalidType('a Float32Array', 'text', value);
  if (value.length === width) return value;
  throw invalidBuffer(`${width} numbers, as a patch has (without options.layer)`, 'text', value);
}

/** Cosine of two vectors; of a zero vector 0. */
function cosineOrZero(a: Float32Array, b: Float32Array): number {
  const isZero = (vector: Float32Array) => vector.every((x) => x === 0);
  return isZero(a) || isZero(b) ? 0 : cosine(a, b);
}

/**
 * The cosine of each patch to a text's embedding.
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
