// Pillow's ways from a file's samples to RGB, where a decoder's own are others.
import { nextTurn } from '../async/next-turn';

/** Pixels as a file has them. */
export interface Samples {
  data: Uint8Array;
  /** Samples of a pixel; what lies beyond those that a conversion reads is left out. */
  channels: number;
  /** Bytes of a sample, in the processor's order. */
  width: 1 | 2;
}

/** Pixels converted before the event loop gets its turn: about 2 ms. */
const SLICE = 250_000;

/** Converts the pixels from `first` up to, not including, `end`. */
type Convert = (samples: Samples, rgb: Uint8Array, first: number, end: number) => void;

/** Where the high byte of a sample lies, which is all that Pillow takes of 16 bits. */
function highByte({ channels, width }: Samples, pixel: number): number {
  const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  return pixel * channels * width + (isLittleEndian ? width - 1 : 0);
}

/** a · b / 255, rounded, for bytes. */
function multiply(a: number, b: number): number {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

const CONVERSIONS = {
  /** Pillow knows no inks: RGB = (1 − K) · (1 − CMY), in bytes. */
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
  /** Colours that were multiplied by their opacity, which comes fourth. */
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
  /** Grey of 16 bits that Pillow takes for bytes: what is more than 255 is white. */
  clipped: ({ data, channels, width }, rgb, first, end) => {
    const grey = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / width);
    for (let i = first; i < end; i++) {
      rgb.fill(Math.min(255, grey[i * channels] ?? 0), 3 * i, 3 * i + 3);
    }
  },
} satisfies Record<string, Convert>;

export type Colours = keyof typeof CONVERSIONS;

/** RGB bytes of a picture, as Pillow has them. */
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
