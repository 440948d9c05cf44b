import { types } from 'node:util';
import { invalidBuffer, invalidRange, invalidType, isObject } from '../arguments';
import { ownFloats } from '../typed-array';

/** A row-major matrix, such as the result of `encodeImages`. */
export interface Matrix {
  /** [rows, columns], row-major. */
  data: Float32Array;
  shape: readonly [number, number];
}

/**
 * Checks a caller's matrix.
 *
 * @throws TypeError, RangeError (ERR_INVALID_ARG, ERR_INVALID_BUFFER)
 */
export function checkMatrix(value: unknown, name: string): Matrix {
  const { data: given, shape }: Record<string, unknown> = isObject(value) ? value : {};
  if (!types.isFloat32Array(given) || !Array.isArray(shape)) {
    throw invalidType('{ data: Float32Array, shape: [rows, columns] }', name, value);
  }
  const data = ownFloats(given, `${name}.data`);
  const isSize = (size: unknown) => Number.isSafeInteger(size) && Number(size) >= 0;
  if (shape.length !== 2 || !shape.every(isSize)) {
    throw invalidRange('two sizes', `${name}.shape`, shape);
  }
  const [rows, columns] = shape as [number, number];
  if (data.length !== rows * columns) {
    throw invalidBuffer(`${rows} × ${columns} numbers`, `${name}.data`, data);
  }
  return { data, shape: [rows, columns] };
}

/** Checks that two matrices have rows of equal length. */
export function requireSameWidth(a: Matrix, b: Matrix, name: string): void {
  if (a.shape[1] === b.shape[1]) return;
  throw invalidRange(`rows of ${a.shape[1]} numbers, as the others have,`, name, b.shape);
}

/** Returns the dot product of row i of `a` and row j of `b`, summed in fp64. */
export function dot(a: Matrix, i: number, b: Matrix, j: number): number {
  const width = a.shape[1];
  const x = i * width;
  const y = j * width;
  let sum = 0;
  for (let k = 0; k < width; k++) sum += (a.data[x + k] as number) * (b.data[y + k] as number);
  return sum;
}
