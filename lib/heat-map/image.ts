import { invalidType } from '../arguments';
import { decodeImage, isEncoded, type RawPixels, readPixels } from '../image';
import { loadSharp } from '../image/encoded';
import { DEFAULT_MAX_PIXELS } from '../options';
import type { HeatMapSize, MapImage } from './options';
import type { Canvas } from './paint';

/** Reads the image behind a heat map. It throws as `encodeImage`. */
export async function readMapImage(input: MapImage, autoOrient: boolean): Promise<RawPixels> {
  if (isEncoded(input)) {
    return decodeImage(input, { maxPixels: DEFAULT_MAX_PIXELS, autoOrient, transfer: false });
  }
  const { pixels } = readPixels(input, false);
  if ('data' in pixels) return pixels;
  throw invalidType('a path, encoded bytes or { data, width, height, channels }', 'image', input);
}

function sharpOf({ data, width, height, channels }: RawPixels) {
  return loadSharp()(data, { raw: { width, height, channels } });
}

/** Converts an image to RGB and resizes it to exactly this size. */
export async function canvasOf(pixels: RawPixels, size: HeatMapSize): Promise<Canvas> {
  const image = sharpOf(pixels).toColourspace('srgb').removeAlpha();
  const { width, height } = size;
  const fits = pixels.width === width && pixels.height === height;
  const resized = fits ? image : image.resize(width, height, { fit: 'fill' });
  return { pixels: await resized.raw().toBuffer(), width, height };
}

export async function pngOf({ pixels, width, height }: Canvas): Promise<Uint8Array> {
  return sharpOf({ data: pixels, width, height, channels: 3 }).png().toBuffer();
}
