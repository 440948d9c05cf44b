import { types } from 'node:util';
import { invalidBuffer, invalidRange, invalidType, isObject } from '../arguments';
import { ownFloats } from '../typed-array';

/** Vectors of equal length: concatenated, or with their shape, as `encodeImages` returns them. */
export type VectorSet =
  | Float32Array
  | { readonly data: Float32Array; readonly shape: readonly [number, number] };

const EXPECTED = 'a Float32Array, or embeddings { data, shape: [n, dim] },';

/**
 * Checks a set of vectors of length `dim`. Returns their numbers [n, dim] in the library's own
 * view.
 */
export function numbersOf(set: unknown, dim: number, name: string): Float32Array {
  if (types.isFloat32Array(set)) return whole(ownFloats(set, name), dim, name);
  const { data, shape }: Record<string, unknown> = isObject(set) ? set : {};
  if (!types.isFloat32Array(data) || !Array.isArray(shape)) throw invalidType(EXPECTED, name, set);
  const [n, columns] = shape as [unknown, unknown];
  if (columns !== dim) throw invalidRange(`vectors of ${dim} numbers`, `${name}.shape`, shape);
  const numbers = ownFloats(data, `${name}.data`);
  if (numbers.length === Number(n) * dim) return numbers;
  throw invalidBuffer(`${n} × ${dim} numbers`, `${name}.data`, numbers);
}

function whole(numbers: Float32Array, dim: number, name: string): Float32Array {
  if (numbers.length % dim === 0) return numbers;
  throw invalidBuffer(`a whole number of vectors of ${dim} numbers`, name, numbers);
}

/** Returns the vector length in a set's shape, or undefined if the set has no shape. */
export function statedDim(set: unknown): number | undefined {
  if (types.isFloat32Array(set)) return undefined;
  const dim: unknown = isObject(set) && Array.isArray(set.shape) ? set.shape[1] : undefined;
  return typeof dim === 'number' ? dim : undefined;
}
