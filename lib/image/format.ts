import { LLM2CLIPError } from '../errors';
import { describeForeign, isoBrands } from './foreign';
import { undecodedJpeg } from './jpeg-frame';
import { undecodedTiff } from './tiff-kind';

/** Enough of a file's beginning to tell its kind: DICOM's name lies after 128 bytes. */
export const SIGNATURE_BYTES = 256;

const FORMATS = ['JPEG', 'PNG', 'WebP', 'GIF', 'TIFF', 'AVIF'] as const;

/** What this library decodes. */
export type Format = (typeof FORMATS)[number];

/** How each begins. A character of `text` is a byte. */
const TESTS: Record<Format, (text: string) => boolean> = {
  JPEG: (text) => text.startsWith('\xff\xd8\xff'),
  PNG: (text) => text.startsWith('\x89PNG\r\n\x1a\n'),
  WebP: (text) => text.startsWith('RIFF') && text.startsWith('WEBP', 8),
  GIF: (text) => /^GIF8[79]a/.test(text),
  TIFF: (text) => ['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].some((start) => text.startsWith(start)),
  AVIF: (text) => isoBrands(text).some((brand) => /^avi[fs]$/.test(brand)),
};

/** Kinds within a format that are not decoded: each says what a file is called, if it is one. */
const UNDECODED: Partial<Record<Format, (bytes: Uint8Array) => string | undefined>> = {
  JPEG: undecodedJpeg,
  // Apple's own, which iOS writes into apps.
  PNG: (bytes) => (textOf(bytes).startsWith('CgBI', 12) ? 'CgBI PNG' : undefined),
  TIFF: undecodedTiff,
};

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, SIGNATURE_BYTES)).toString('latin1');
}

function unsupported(expected: string, name: string, found: string): LLM2CLIPError {
  return new LLM2CLIPError(
    'ERR_IMAGE_UNSUPPORTED',
    `expected ${expected} in ${name}, found ${found}; convert it to PNG, or pass its pixels`,
  );
}

/**
 * Refuses what is not one of the formats this library decodes, by its content.
 *
 * @param bytes A file, or the first SIGNATURE_BYTES of it.
 * @param name What the message calls the picture.
 * @throws ERR_IMAGE_CORRUPT where nothing is there, ERR_IMAGE_UNSUPPORTED.
 */
export function requireFormat(bytes: Uint8Array, name: string): Format {
  if (bytes.length === 0) {
    throw new LLM2CLIPError('ERR_IMAGE_CORRUPT', `expected a picture in ${name}, found no bytes`);
  }
  const text = textOf(bytes);
  const format = FORMATS.find((one) => TESTS[one](text));
  if (format === undefined) throw unsupported(FORMATS.join(', '), name, describeForeign(text));
  return format;
}

/**
 * Refuses kinds of those formats that are not decoded, such as JPEG-LS.
 *
 * @param bytes The whole file.
 * @throws as requireFormat
 */
export function requireDecoded(bytes: Uint8Array, name: string): Format {
  const format = requireFormat(bytes, name);
  const found = UNDECODED[format]?.(bytes);
  if (found === undefined) return format;
  throw unsupported(`a kind of ${format} that is decoded`, name, found);
}
