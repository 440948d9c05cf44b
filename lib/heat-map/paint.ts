import { nextTurn } from '../async/next-turn';
import { colorOffset } from './colors';
import type { Grid } from './similarities';

/** Pixels to paint per turn of the event loop: about a millisecond of work. */
const PIXELS_A_TURN = 65_536;

/** A rectangle on a canvas, in pixels. Its edges may be fractions of a pixel. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Canvas {
  /** RGB [height, width, 3]; changed in place. */
  pixels: Uint8Array;
  width: number;
  height: number;
}

export interface Paint {
  /** Values from 0 to 1. */
  grid: Grid;
  /** Rectangle that the grid covers. */
  box: Box;
  /** Colours [256, 3]. */
  table: Uint8Array;
  /** Opacity; 1 hides the canvas. */
  opacity: number;
}

/**
 * For each pixel of a row: the two cells around its centre, and its relative distance to the first.
 */
interface Places {
  first: number;
  /** One entry per pixel in the box, starting with the pixel `first`. */
  cells: { low: number; high: number; share: number }[];
}

function placesOf(begin: number, extent: number, pixels: number, count: number): Places {
  const first = Math.max(0, Math.ceil(begin - 0.5));
  const last = Math.min(pixels, Math.ceil(begin + extent - 0.5));
  const cells = Array.from({ length: Math.max(0, last - first) }, (_, i) => {
    const at = ((first + i + 0.5 - begin) / extent) * count - 0.5;
    const clamped = Math.min(count - 1, Math.max(0, at));
    const low = Math.floor(clamped);
    return { low, high: Math.min(count - 1, low + 1), share: clamped - low };
  });
  return { first, cells };
}

/** Paints a grid over a canvas, with bilinear interpolation, a slice per turn of the event loop. */
export async function paint(canvas: Canvas, { grid, box, table, opacity }: Paint): Promise<void> {
  const { values, rows, columns } = grid;
  const across = placesOf(box.left, box.width, canvas.width, columns);
  const down = placesOf(box.top, box.height, canvas.height, rows);
  const value = (row: number, column: number) => values[row * columns + column] as number;
  let painted = 0;
  for (const [i, row] of down.cells.entries()) {
    let at = 3 * ((down.first + i) * canvas.width + across.first);
    for (const { low, high, share } of across.cells) {
      const above = value(row.low, low) * (1 - share) + value(row.low, high) * share;
      const below = value(row.high, low) * (1 - share) + value(row.high, high) * share;
      const color = colorOffset(above * (1 - row.share) + below * row.share);
      for (let channel = 0; channel < 3; channel++, at++) {
        const under = canvas.pixels[at] as number;
        const over = table[color + channel] as number;
        canvas.pixels[at] = Math.floor(under + opacity * (over - under) + 0.5);
      }
    }
    painted += across.cells.length;
    if (painted < PIXELS_A_TURN) continue;
    painted = 0;
    await nextTurn();
  }
}
