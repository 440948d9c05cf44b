import { LLM2CLIPError } from '../errors';
import { describeForeign, isoBrands } from './foreign';
import { undecodedJpeg } from './jpeg-frame';
import { undecodedTiff } from './tiff-kind';

/** Bytes to read from a file to recognise its format; DICOM's signature is at offset 128. */
export const SIGNATURE_BYTES = 256;

const FORMATS = ['JPEG', 'PNG', 'WebP', 'GIF', 'TIFF', 'AVIF'] as const;

/** The formats that this library decodes. */
export type Format = (typeof FORMATS)[number];

/** Recognises each format by its signature. Each character of `text` is one byte. */
const TESTS: Record<Format, (text: string) => boolean> = {
  JPEG: (text) => text.startsWith('\xff\xd8\xff'),
  PNG: (text) => text.startsWith('\x89PNG\r\n\x1a\n'),
  WebP: (text) => text.startsWith('RIFF') && text.startsWith('WEBP', 8),
  GIF: (text) => /^GIF8[79]a/.test(text),
  TIFF: (text) => ['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].some((start) => text.startsWith(start)),
  AVIF: (text) => isoBrands(text).some((brand) => /^avi[fs]$/.test(brand)),
};

/** For some formats, returns the name of a variant that is not decoded, else undefined. */
const UNDECODED: Partial<Record<Format, (bytes: Uint8Array) => string | undefined>> = {
  JPEG: undecodedJpeg,
  // Apple's PNG variant, which Xcode writes into iOS apps.
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
 * Returns the format of a file by its content, and refuses formats that this library does not
 * decode.
 *
 * @param bytes The file, or its first SIGNATURE_BYTES.
 * @param name Name of the image in error messages.
 * @throws LLM2CLIPError ERR_IMAGE_CORRUPT if there are no bytes, ERR_IMAGE_UNSUPPORTED
 */
export function requireFormat(bytes: Uint8Array, name: string): Format {
  if (bytes.length === 0) {
    throw new LLM2CLIPError('ERR_IMAGE_CORRUPT', `expected an image in ${name}, found no bytes`);
  }
  const text = textOf(bytes);
  const format = FORMATS.find((one) => TESTS[one](text));
  if (format === undefined) throw unsupported(FORMATS.join(', '), name, describeForeign(text));
  return format;
}

/**
 * Like `requireFormat`, but also refuses variants of a format that are not decoded, such as
 * JPEG-LS.
 *
 * @param bytes The whole file.
 * @throws LLM2CLIPError as `requireFormat`
 */
export function requireDecoded(bytes: Uint8Array, name: string): Format {
  const format = requireFormat(bytes, name);
  const found = UNDECODED[format]?.(bytes);
  if (found === undefined) return format;
  throw unsupported(`a kind of ${format} that is decoded`, name, found);
}
