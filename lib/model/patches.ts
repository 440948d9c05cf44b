import { invalidRange } from '../arguments';
import type { Framing } from '../image/preprocessing';

/** Vectors of a picture's patches, as `encodeImage` gives them with `output: 'patches'`. */
export class Patches {
  /** [rows, columns, D], row after row of the grid. */
  readonly data: Float32Array;
  readonly shape: readonly [number, number, number];
  /** Edge of the square that the model saw, in pixels: the grid covers it. */
  readonly imageSize: number;
  /** Where in a picture that square lies: as in the bundle's `preprocessing`. */
  readonly framing: Framing;

  constructor(data: Float32Array, shape: readonly [number, number, number], framing: Framing) {
    this.data = data;
    this.shape = shape;
    this.imageSize = framing.size;
    this.framing = framing;
  }

  /**
   * The vector [D] of one patch, a view of `data`. RangeError (ERR_INVALID_ARG) outside the grid. May be destructured.
   *
   * @example
   * const corner = patches.at(0, 0);
   */
  readonly at = (row: number, column: number): Float32Array => {
    const [rows, columns, width] = this.shape;
    const inside = (i: number, count: number) => Number.isInteger(i) && i >= 0 && i < count;
    if (!inside(row, rows) || !inside(column, columns)) {
      throw invalidRange(`a patch of ${rows} × ${columns}`, 'row and column', [row, column]);
    }
    const first = (row * columns + column) * width;
    return this.data.subarray(first, first + width);
  };
}
