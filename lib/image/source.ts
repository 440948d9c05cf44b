import { LLM2CLIPError } from '../errors';
import { avifStill } from './avif-still';
import type { Canvas } from './canvas';
import type { Colours } from './colours';
import { type Format, requireDecoded } from './format';
import { firstGifFrame } from './gif-frame';
import type { Orientation } from './orientation';
import { prepareTiff } from './tiff-kind';

/** A file as sharp is to read it, so that Pillow's pixels come out, and what sharp does not do. */
export interface Source {
  bytes: Uint8Array;
  /** In the place of what the metadata say. */
  orientation?: Orientation;
  /** Turned without being asked to: Pillow does so on loading TIFF, and TIFF alone. */
  turnsAlways?: boolean;
  /** How samples become RGB, where sharp's way is not Pillow's. */
  colours?: Colours | undefined;
  canvas?: Canvas;
}

const SOURCES: Partial<Record<Format, (bytes: Uint8Array, name: string) => Source>> = {
  AVIF: avifStill,
  GIF: (bytes, name) => {
    const frame = firstGifFrame(bytes);
    if (frame !== undefined) return { bytes: frame.gif, canvas: frame.canvas };
    const message = `expected a whole picture in ${name}, found a GIF that ends before its first frame`;
    throw new LLM2CLIPError('ERR_IMAGE_CORRUPT', message);
  },
  TIFF: (bytes) => ({ bytes, turnsAlways: true, colours: prepareTiff(bytes) }),
};

/**
 * @param bytes Private to the library, and changed where a format needs it.
 * @throws ERR_IMAGE_UNSUPPORTED, ERR_IMAGE_CORRUPT
 */
export function sourceOf(bytes: Uint8Array, name: string): Source {
  const format = requireDecoded(bytes, name);
  return SOURCES[format]?.(bytes, name) ?? { bytes };
}
