import { invalidRange } from '../arguments';

/** The embeddings of many inputs in one array, one row per input, in the order of the inputs. */
export class Embeddings {
  /** [n, dim], row by row. */
  readonly data: Float32Array;
  readonly shape: readonly [number, number];
  /**
   * The error of each failed row, by its index. Such rows are NaN. Only with `onError: 'collect'`.
   */
  readonly errors: ReadonlyMap<number, unknown>;

  constructor(data: Float32Array, dim: number, errors: ReadonlyMap<number, unknown>) {
    this.data = data;
    this.shape = [data.length / dim, dim];
    this.errors = errors;
  }

  /**
   * Returns the i-th embedding, [dim], as a view of `data`. The function may be
   * destructured.
   *
   * @throws RangeError (ERR_INVALID_ARG) for an index outside 0 to n − 1
   */
  readonly row = (i: number): Float32Array => {
    const [n, dim] = this.shape;
    if (!Number.isInteger(i) || i < 0 || i >= n) {
      throw invalidRange(`a row from 0 to ${n - 1}`, 'i', i);
    }
    return this.data.subarray(i * dim, (i + 1) * dim);
  };
}
