import { invalidRange } from '../arguments';
import type { Framing } from '../image/preprocessing';

/** The vectors of an image's patches, as `encodeImage` returns them with `output: 'patches'`. */
export class Patches {
  /** [rows, columns, D], row by row of the grid. */
  readonly data: Float32Array;
  readonly shape: readonly [number, number, number];
  /** Width and height in pixels of the square that the model saw. The grid covers it. */
  readonly imageSize: number;
  /** Where in the image that square is, as in the bundle's `preprocessing`. */
  readonly framing: Framing;

  constructor(data: Float32Array, shape: readonly [number, number, number], framing: Framing) {
    this.data = data;
    this.shape = shape;
    this.imageSize = framing.size;
    this.framing = framing;
  }

  /**
   * Returns the vector [D] of one patch, as a view of `data`. May be destructured.
   *
   * @throws RangeError (ERR_INVALID_ARG) for a patch outside the grid
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
