// Converts a file's samples to RGB as Pillow does, where the decoder would do it differently.
import { nextTurn } from '../async/next-turn';

/** Decoded samples before any colour conversion. */
export interface Samples {
  data: Uint8Array;
  /** Samples per pixel. A conversion ignores those that it does not need. */
  channels: number;
  /** Bytes per sample, in native byte order. */
  width: 1 | 2;
}

/** Number of pixels to convert per turn of the event loop: about 2 ms of work. */
const SLICE = 250_000;

/** Converts the pixels from `first` to `end`, exclusive. */
type Convert = (samples: Samples, rgb: Uint8Array, first: number, end: number) => void;

/**
 * Offset of the high byte of a pixel's first sample. Of 16-bit samples Pillow uses only that byte.
 */
function highByte({ channels, width }: Samples, pixel: number): number {
  const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  return pixel * channels * width + (isLittleEndian ? width - 1 : 0);
}

/** Returns a · b / 255, rounded, for a and b from 0 to 255. */
function multiply(a: number, b: number): number {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

const CONVERSIONS = {
  /** Pillow uses no ink profiles: RGB = (1 − K) · (1 − CMY), in bytes. */
  cmyk: (samples, rgb, first, end) => {
    const { data, channels, width } = samples;
    let at = highByte(samples, first);
    for (let i = first; i < end; i++, at += channels * width) {
      const light = 255 - (data[at + 3 * width] ?? 0);
      for (let c = 0; c < 3; c++) {
        rgb[3 * i + c] = light - multiply(data[at + c * width] ?? 0, light);
      }
    }
  },
  /** Colours premultiplied by the opacity, which is the fourth channel. */
  premultiplied: (samples, rgb, first, end) => {
    const { data, channels, width } = samples;
    let at = highByte(samples, first);
    for (let i = first; i < end; i++, at += channels * width) {
      const opacity = data[at + 3 * width] ?? 0;
      for (let c = 0; c < 3; c++) {
        const value = data[at + c * width] ?? 0;
        rgb[3 * i + c] = opacity === 0 ? 0 : Math.min(255, Math.floor((255 * value) / opacity));
      }
    }
  },
  /** 16-bit grey that Pillow clips to 8 bits: values above 255 become white. */
  clipped: ({ data, channels, width }, rgb, first, end) => {
    const grey = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / width);
    for (let i = first; i < end; i++) {
      rgb.fill(Math.min(255, grey[i * channels] ?? 0), 3 * i, 3 * i + 3);
    }
  },
} satisfies Record<string, Convert>;

export type Colours = keyof typeof CONVERSIONS;

/** Converts an image to RGB bytes as Pillow does. */
export async function toRgb(samples: Samples, colours: Colours): Promise<Uint8Array> {
  const convert: Convert = CONVERSIONS[colours];
  const pixels = samples.data.length / (samples.channels * samples.width);
  const rgb = new Uint8Array(3 * pixels);
  for (let first = 0; first < pixels; first += SLICE) {
    if (first > 0) await nextTurn();
    convert(samples, rgb, first, Math.min(first + SLICE, pixels));
  }
  return rgb;
}
