import { types } from 'node:util';
import { invalidBuffer, invalidType, optionsBag } from '../arguments';
import { withCallerStack } from '../async/caller';
import { fromNative, loadNative } from '../native';
import { lengthOf, ofThisRealm } from '../typed-array';
import { resolveThreads } from './search-options';
import { numbersOf, statedDim, type VectorSet } from './vector-set';

/** Dot products of n vectors with m others. */
export interface Similarities {
  /** [n, m], row-major. */
  data: Float32Array;
  shape: [number, number];
}

/**
 * Returns the length of the vectors. Numbers without a shape have that of the other set. If neither
 * has a shape, each is one vector.
 */
function commonDim(a: VectorSet, b: VectorSet): number {
  const dim = statedDim(a) ?? statedDim(b) ?? (types.isFloat32Array(a) ? lengthOf(a) : 0);
  if (Number.isInteger(dim) && dim >= 1) return dim;
  if (!types.isFloat32Array(a)) throw invalidType('a Float32Array or embeddings', 'a', a);
  throw invalidBuffer('vectors of at least one number', 'a', a);
}

/**
 * Computes the dot product of each vector of `a` with each of `b` in fp32. For vectors of length 1
 * these are cosines. Both arguments are read before the call returns.
 *
 * @param a [n, dim]: the result of `encodeImages`, or a Float32Array of concatenated vectors
 * @param b [m, dim]
 * @throws TypeError, RangeError (ERR_INVALID_ARG, ERR_INVALID_BUFFER)
 * @throws LLM2CLIPError ERR_OUT_OF_MEMORY
 * @example
 * const { data } = await similarity(await model.encodeImage('cat.jpg'), await model.encodeImage('dog.jpg'));
 * console.log(data[0]); // 0.62
 */
export async function similarity(
  a: VectorSet,
  b: VectorSet,
  options?: { threads?: number },
): Promise<Similarities> {
  const threads = resolveThreads(optionsBag(options, 'options', ['threads']).threads);
  const dim = commonDim(a, b);
  const [left, right] = [numbersOf(a, dim, 'a'), numbersOf(b, dim, 'b')];
  const data = await withCallerStack(
    fromNative((async () => loadNative().similarity(left, right, dim, threads))()),
  );
  return { data: ofThisRealm(data), shape: [left.length / dim, right.length / dim] };
}
