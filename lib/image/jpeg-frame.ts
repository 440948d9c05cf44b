/** The coding parameters in a JPEG's frame header. */
export interface JpegFrame {
  /** The second byte of the frame's marker: 0xc0 to 0xcf, or 0xf7 for JPEG-LS. */
  marker: number;
  /** Bits per sample. */
  precision: number;
  components: number;
}

const START_OF_SCAN = 0xda;
const END_OF_IMAGE = 0xd9;
const JPEG_LS = 0xf7;
/** Markers from 0xc0 to 0xcf that do not begin a frame: DHT, JPG and DAC. */
const NO_FRAMES = new Set([0xc4, 0xc8, 0xcc]);

function beginsFrame(marker: number): boolean {
  return marker === JPEG_LS || (marker >= 0xc0 && marker <= 0xcf && !NO_FRAMES.has(marker));
}

/** Whether no length follows a marker: stuffing, TEM, RSTn and SOI. */
function isAlone(marker: number): boolean {
  return marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/**
 * Returns the first frame header of a JPEG, or undefined if there is none before the first scan.
 */
function jpegFrame(bytes: Uint8Array): JpegFrame | undefined {
  const byte = (at: number): number => bytes[at] ?? 0;
  let at = 2;
  while (at + 9 < bytes.length) {
    const marker = byte(at + 1);
    if (byte(at) !== 0xff || marker === 0xff)
      at += 1; // Decoders also search for the next marker.
    else if (isAlone(marker)) at += 2;
    else if (marker === START_OF_SCAN || marker === END_OF_IMAGE) return undefined;
    else if (beginsFrame(marker)) {
      return { marker, precision: byte(at + 4), components: byte(at + 9) };
    } else at += 2 + Math.max(2, (byte(at + 2) << 8) | byte(at + 3));
  }
  return undefined;
}

const LOSSLESS = new Set([0xc3, 0xc7, 0xcb, 0xcf]);
const HIERARCHICAL = new Set([0xc5, 0xc6, 0xcd, 0xce]);
/** Supported component counts: grey, YCbCr or RGB, CMYK or YCCK. */
const COMPONENTS = new Set([1, 3, 4]);

/** Returns the name of a JPEG variant that is not decoded, or undefined for one that is. */
export function undecodedJpeg(bytes: Uint8Array): string | undefined {
  const frame = jpegFrame(bytes);
  if (frame === undefined) return undefined;
  const { marker, precision, components } = frame;
  if (marker === JPEG_LS) return 'JPEG-LS';
  if (LOSSLESS.has(marker)) return 'lossless JPEG';
  if (HIERARCHICAL.has(marker)) return 'hierarchical JPEG';
  if (precision !== 8) return `${precision}-bit JPEG`;
  return COMPONENTS.has(components) ? undefined : `JPEG of ${components} components`;
}
