import { invalidType } from '../arguments';
import { withCallerStack } from '../async/caller';
import type { Patches } from '../model/patches';
import { colorTable } from './colors';
import { cropOf } from './crop';
import { canvasOf, pngOf, readMapImage } from './image';
import {
  type HeatMapOptions,
  type ResolvedHeatMapOptions,
  resolveHeatMapOptions,
  sizeOf,
} from './options';
import { type Box, type Canvas, paint } from './paint';
import { type Grid, similarities } from './similarities';

export type { HeatMapOptions };

/** Edge of a patch in pixels, for a map without a given size. */
const PATCH = 16;

function endsOf(values: Float64Array): readonly [number, number] {
  return [
    values.reduce((least, x) => Math.min(least, x), Number.POSITIVE_INFINITY),
    values.reduce((greatest, x) => Math.max(greatest, x), Number.NEGATIVE_INFINITY),
  ];
}

/** Scales the values of a range to 0 to 1. If all values are equal, the result is 0. */
function scaled({ values, ...grid }: Grid, range: readonly [number, number] | undefined): Grid {
  const [low, high] = range ?? endsOf(values);
  const scale = high > low ? 1 / (high - low) : 0;
  return { ...grid, values: values.map((x) => Math.min(1, Math.max(0, (x - low) * scale))) };
}

interface Ground {
  canvas: Canvas;
  /** The part of the canvas that the model saw. */
  box: Box;
  opacity: number;
}

function blank({ rows, columns }: Grid, options: ResolvedHeatMapOptions): Ground {
  const size = sizeOf(options, { width: PATCH * columns, height: PATCH * rows });
  const pixels = new Uint8Array(3 * size.width * size.height);
  return { canvas: { ...size, pixels }, box: { left: 0, top: 0, ...size }, opacity: 1 };
}

async function ground(
  grid: Grid,
  { imageSize, framing }: Patches,
  options: ResolvedHeatMapOptions,
): Promise<Ground> {
  const { image, autoOrient, opacity } = options;
  if (image === undefined) return blank(grid, options);
  if (typeof imageSize !== 'number' || !(imageSize > 0)) {
    throw invalidType('a number of pixels', 'patches.imageSize', imageSize);
  }
  const pixels = await readMapImage(image, autoOrient);
  const canvas = await canvasOf(pixels, sizeOf(options, pixels));
  return { canvas, box: cropOf(pixels, framing ?? { size: imageSize }, canvas), opacity };
}

async function draw(patches: Patches, text: Float32Array, value: unknown): Promise<Uint8Array> {
  const options = resolveHeatMapOptions(value);
  const grid = similarities(patches, text);
  const { canvas, ...where } = await ground(grid, patches, options);
  const table = colorTable(options.colors);
  await paint(canvas, { grid: scaled(grid, options.range), table, ...where });
  return pngOf(canvas);
}

/**
 * Draws where in an image a text is found: a PNG with the cosine between each patch and the text as
 * colours, interpolated between the centres of the patches, with or without the image behind it.
 *
 * @param patches [rows, columns, E] from `encodeImage(image, { output: 'patches' })`, without
 *   `layer`
 * @param text [E] from encodeText, or any other vector of that space
 * @throws TypeError, RangeError (ERR_INVALID_ARG, ERR_INVALID_BUFFER)
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO, ERR_IMAGE_UNSUPPORTED, ERR_IMAGE_CORRUPT,
 *   ERR_IMAGE_TOO_LARGE for the image; ERR_RUNTIME_MISSING without sharp
 * @example
 * const patches = await model.encodeImage('cat.jpg', { output: 'patches' });
 * const png = await heatMap(patches, await model.encodeText('the ears'), { image: 'cat.jpg' });
 */
export async function heatMap(
  patches: Patches,
  text: Float32Array,
  options?: HeatMapOptions,
): Promise<Uint8Array> {
  return await withCallerStack(draw(patches, text, options));
}
