import {
  invalidRange,
  invalidType,
  optionalBoolean,
  optionalInteger,
  optionalOneOf,
  optionNames,
  optionsBag,
} from '../arguments';
import type { EncodedImage, RawPixels } from '../image';
import { COLOR_MAPS, type ColorMap } from './colors';

const LONGEST_EDGE = 16_384;
const DEFAULT_OPACITY = 0.6;

/** An image behind a heat map: a path, encoded bytes, or 8-bit pixels. */
export type MapImage = EncodedImage | RawPixels;

export interface HeatMapOptions {
  /**
   * Width in pixels. If only one edge is given, the proportions are kept. Default: the size of
   * `image`, or 16 pixels per patch without an image.
   */
  width?: number;
  height?: number;
  /**
   * The image that the patches come from. The map is drawn over the part of it that the model saw.
   * Default: no image, which draws only the map.
   */
  image?: MapImage;
  /** Opacity of the map over the image, from 0 to 1. Default: 0.6. */
  opacity?: number;
  /** Colour map. Default: 'turbo'. */
  colors?: ColorMap;
  /** Cosines of the first and the last colour. Default: the lowest and the highest of this map. */
  range?: readonly [number, number];
  /** Rotate the image by its EXIF orientation. Set it if the model was loaded with it, too. */
  autoOrient?: boolean;
}

const HEAT_MAP_OPTIONS = optionNames<HeatMapOptions>({
  width: true,
  height: true,
  image: true,
  opacity: true,
  colors: true,
  range: true,
  autoOrient: true,
});

export interface HeatMapSize {
  width: number;
  height: number;
}

export interface ResolvedHeatMapOptions {
  width: number | undefined;
  height: number | undefined;
  image: MapImage | undefined;
  opacity: number;
  colors: ColorMap;
  range: readonly [number, number] | undefined;
  autoOrient: boolean;
}

function edge(value: unknown, name: string): number | undefined {
  return value === undefined ? undefined : optionalInteger(value, name, 1, [1, LONGEST_EDGE]);
}

function share(value: unknown): number {
  if (value === undefined) return DEFAULT_OPACITY;
  if (typeof value !== 'number') throw invalidType('a number', 'options.opacity', value);
  if (value >= 0 && value <= 1) return value;
  throw invalidRange('a number from 0 to 1', 'options.opacity', value);
}

function range(value: unknown): readonly [number, number] | undefined {
  if (value === undefined) return undefined;
  const [low, high] = Array.isArray(value) ? (value as unknown[]) : [];
  if (typeof low !== 'number' || typeof high !== 'number') {
    throw invalidType('[least, greatest]', 'options.range', value);
  }
  if (Number.isFinite(low) && Number.isFinite(high) && low < high) return [low, high];
  throw invalidRange('two numbers, the lower one first', 'options.range', value);
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws TypeError, RangeError (ERR_INVALID_ARG)
 */
export function resolveHeatMapOptions(value: unknown): ResolvedHeatMapOptions {
  const options = optionsBag(value, 'options', HEAT_MAP_OPTIONS);
  return {
    width: edge(options.width, 'options.width'),
    height: edge(options.height, 'options.height'),
    image: options.image as MapImage | undefined,
    opacity: share(options.opacity),
    colors: optionalOneOf(options.colors, 'options.colors', 'turbo', COLOR_MAPS),
    range: range(options.range),
    autoOrient: optionalBoolean(options.autoOrient, 'options.autoOrient', false),
  };
}

/**
 * Computes the other edge from a given one.
 *
 * @throws RangeError (ERR_INVALID_ARG) if it is too long
 */
function fitted(given: number, of: number, to: number, name: string): number {
  const other = Math.max(1, Math.round((given * to) / of));
  if (other <= Math.max(LONGEST_EDGE, to)) return other;
  throw invalidRange(`fewer pixels, as the other edge would have ${other},`, name, given);
}

/** Returns the size of the map. If only one edge is given, it has the proportions of `natural`. */
export function sizeOf(
  { width, height }: ResolvedHeatMapOptions,
  natural: HeatMapSize,
): HeatMapSize {
  if (width !== undefined && height === undefined) {
    return { width, height: fitted(width, natural.width, natural.height, 'options.width') };
  }
  if (height !== undefined && width === undefined) {
    return { width: fitted(height, natural.height, natural.width, 'options.height'), height };
  }
  return { width: width ?? natural.width, height: height ?? natural.height };
}
