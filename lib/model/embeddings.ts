import { invalidRange } from '../arguments';

/** One embedding a picture, in the order of the inputs, in one array. */
export class Embeddings {
  /** [n, dim], row after row. */
  readonly data: Float32Array;
  readonly shape: readonly [number, number];
  /** Why row i is NaN; only with `onError: 'collect'`. */
  readonly errors: ReadonlyMap<number, unknown>;

  constructor(data: Float32Array, dim: number, errors: ReadonlyMap<number, unknown>) {
    this.data = data;
    this.shape = [data.length / dim, dim];
    this.errors = errors;
  }

  /** The i-th embedding, a view of `data`. RangeError (ERR_INVALID_ARG) outside 0 to n − 1. May be destructured. */
  readonly row = (i: number): Float32Array => {
    const [n, dim] = this.shape;
    if (!Number.isInteger(i) || i < 0 || i >= n) {
      throw invalidRange(`a row from 0 to ${n - 1}`, 'i', i);
    }
    return this.data.subarray(i * dim, (i + 1) * dim);
  };
}
