import type { Canvas } from './canvas';

/** The first frame of a GIF. */
export interface GifFrame {
  /** A GIF that holds only that frame. */
  gif: Uint8Array;
  /** The screen that the frame is drawn on, enlarged to contain the frame. */
  canvas: Canvas;
}

const HEADER_BYTES = 13;
const COLOURS = 256;
const TRAILER = 0x3b;
const IMAGE = 0x2c;
const EXTENSION = 0x21;
const GRAPHIC_CONTROL = 0xf9;
const HAS_PALETTE = 0x80;
const INTERLACED = 0x40;

/** Returns the offset after the chain of sub-blocks that starts at `at`. An empty block ends it. */
function endOfBlocks(bytes: Uint8Array, at: number): number {
  let end = at;
  for (;;) {
    const length = bytes[end] ?? 0;
    end += 1 + length;
    if (length === 0 || end >= bytes.length) return Math.min(end, bytes.length);
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

/** Reads the palette at `at`. Returns undefined if there is none, or if it is the grey ramp. */
function readPalette(bytes: Uint8Array, at: number, flags: number): Uint8Array | undefined {
  const palette = bytes.subarray(at, at + paletteBytes(flags));
  return palette.some((value, i) => value !== Math.floor(i / 3)) ? palette : undefined;
}

/**
 * Returns 256 colours as Pillow does. Without a palette each index is a grey value; colours beyond
 * the end of a palette are black.
 */
function fullPalette(chosen: Uint8Array | undefined): Uint8Array {
  if (chosen === undefined) return Uint8Array.from({ length: 3 * COLOURS }, (_, i) => i / 3);
  const palette = new Uint8Array(3 * COLOURS);
  palette.set(chosen);
  return palette;
}

function paletteBytes(flags: number): number {
  return flags & HAS_PALETTE ? 3 * (2 << (flags & 7)) : 0;
}

/**
 * Extracts the first frame of a GIF as Pillow shows it. The area around the frame has the
 * transparent colour, or colour 0 if no colour is transparent. Transparent pixels of the frame keep
 * their palette colour: the extracted GIF declares no transparency, so that a decoder returns that
 * colour.
 *
 * @returns undefined if the file ends before its first frame.
 */
export function firstGifFrame(bytes: Uint8Array): GifFrame | undefined {
  const screenFlags = bytes[10] ?? 0;
  let at = HEADER_BYTES + paletteBytes(screenFlags);
  let transparent = 0;
  while (at < bytes.length && bytes[at] !== IMAGE && bytes[at] !== TRAILER) {
    if (bytes[at] !== EXTENSION) {
      at += 1; // Pillow skips unknown bytes, too.
      continue;
    }
    if (bytes[at + 1] === GRAPHIC_CONTROL && (bytes[at + 2] ?? 0) >= 4) {
      if ((bytes[at + 3] ?? 0) & 1) transparent = bytes[at + 6] ?? 0;
    }
    at = endOfBlocks(bytes, at + 2);
  }
  // The image descriptor and the first byte of the data must be there.
  if (bytes[at] !== IMAGE || at + 11 > bytes.length) return undefined;
  const [left, top] = [word(bytes, at + 1), word(bytes, at + 3)];
  const [frameWidth, frameHeight] = [word(bytes, at + 5), word(bytes, at + 7)];
  const flags = bytes[at + 9] ?? 0;
  const own = readPalette(bytes, at + 10, flags);
  const palette = fullPalette(own ?? readPalette(bytes, HEADER_BYTES, screenFlags));
  const data = at + 10 + paletteBytes(flags);
  const compressed = bytes.subarray(data, endOfBlocks(bytes, data + 1));
  return {
    gif: gifOf(palette, [frameWidth, frameHeight], flags & INTERLACED, compressed),
    canvas: {
      width: Math.max(word(bytes, 6), left + frameWidth),
      height: Math.max(word(bytes, 8), top + frameHeight),
      ...{ left, top },
      background: palette.subarray(3 * transparent, 3 * transparent + 3),
    },
  };
}

function gifOf(
  palette: Uint8Array,
  [width, height]: readonly [number, number],
  interlaced: number,
  compressed: Uint8Array,
): Uint8Array {
  const size = [width & 255, width >> 8, height & 255, height >> 8];
  return Buffer.concat([
    Buffer.from('GIF89a'),
    Buffer.from([...size, HAS_PALETTE | 0x70 | 7, 0, 0]),
    palette,
    Buffer.from([IMAGE, 0, 0, 0, 0, ...size, interlaced]),
    compressed,
    Buffer.from([TRAILER]),
  ]);
}
