import { LLM2CLIPError } from '../errors';
import { avifStill } from './avif-still';
import type { Canvas } from './canvas';
import type { Colours } from './colours';
import { type Format, requireDecoded } from './format';
import { firstGifFrame } from './gif-frame';
import type { Orientation } from './orientation';
import { prepareTiff } from './tiff-kind';

/**
 * A file prepared so that sharp returns Pillow's pixels, and the steps that sharp cannot do itself.
 */
export interface Source {
  bytes: Uint8Array;
  /** Replaces the orientation in the metadata. */
  orientation?: Orientation;
  /** Apply the orientation even without `autoOrient`, as Pillow does for TIFF only. */
  turnsAlways?: boolean;
  /** Conversion of samples to RGB, if sharp's differs from Pillow's. */
  colours?: Colours | undefined;
  canvas?: Canvas;
}

const SOURCES: Partial<Record<Format, (bytes: Uint8Array, name: string) => Source>> = {
  AVIF: avifStill,
  GIF: (bytes, name) => {
    const frame = firstGifFrame(bytes);
    if (frame !== undefined) return { bytes: frame.gif, canvas: frame.canvas };
    const message = `expected a whole image in ${name}, found a GIF that ends before its first frame`;
    throw new LLM2CLIPError('ERR_IMAGE_CORRUPT', message);
  },
  TIFF: (bytes) => ({ bytes, turnsAlways: true, colours: prepareTiff(bytes) }),
};

/**
 * Prepares an encoded image for sharp.
 *
 * @param bytes Owned by the library; changed in place for some formats.
 * @throws LLM2CLIPError ERR_IMAGE_UNSUPPORTED, ERR_IMAGE_CORRUPT
 */
export function sourceOf(bytes: Uint8Array, name: string): Source {
  const format = requireDecoded(bytes, name);
  return SOURCES[format]?.(bytes, name) ?? { bytes };
}
