import { types } from 'node:util';
import { invalidType, isObject } from '../arguments';
import type { Pixels, RawPixels } from '../native';
import type { ImageOptions } from '../options';
import { decodeEncoded } from './encoded';
import { limited } from './limit';
import { isShared, overlap, takeOver, viewBytes } from './memory';
import { type PreprocessedInput, readPixelValues } from './pixel-values';
import { readRawPixels } from './raw-pixels';
import { readImage } from './read';

/**
 * An image: a path, the bytes of an encoded file (JPEG, PNG, WebP, GIF, TIFF or AVIF, recognised by
 * its content), 8-bit pixels, or preprocessed float pixels.
 *
 * @example
 * const inputs: ImageInput[] = ['cat.jpg', await readFile('dog.webp'), { data, width, height, channels: 3 }];
 */
export type ImageInput = string | Uint8Array | ArrayBufferLike | RawPixels | PreprocessedInput;

export type { PreprocessedInput, RawPixels };

const EXPECTED =
  'a path, encoded bytes, { data, width, height, channels } or { pixelValues, shape }';

/** An encoded image, which must be decoded: a path, or the bytes of a file. */
export type EncodedImage = Extract<ImageInput, string | Uint8Array | ArrayBufferLike>;

export function isEncoded(input: unknown): input is EncodedImage {
  return typeof input === 'string' || types.isUint8Array(input) || types.isAnyArrayBuffer(input);
}

export interface DecodeOptions extends Required<ImageOptions> {
  /** Whether the library takes ownership of the caller's bytes. */
  transfer: boolean;
  /** An image is not decoded if the signal is aborted before its turn. */
  signal?: AbortSignal | undefined;
  /** Called for each copy of the caller's bytes. */
  onCopy?: (bytes: number) => void;
}

/**
 * Decodes an image to pixels in the library's own memory. Bytes of the caller are copied before
 * this function returns.
 *
 * @throws RangeError ERR_INVALID_BUFFER; `signal.reason`
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO, ERR_IMAGE_UNSUPPORTED, ERR_IMAGE_CORRUPT,
 *   ERR_IMAGE_TOO_LARGE
 */
export async function decodeImage(input: EncodedImage, options: DecodeOptions): Promise<RawPixels> {
  const { signal } = options;
  if (typeof input === 'string') {
    return limited(async () => decodeEncoded(await readImage(input), input, options), signal);
  }
  const bytes = ownBytes(input, options);
  return limited(() => decodeEncoded(bytes, 'the image', options), signal);
}

function ownBytes(
  input: Uint8Array | ArrayBufferLike,
  { transfer, onCopy }: DecodeOptions,
): Uint8Array {
  const bytes = viewBytes(input, 'image');
  // sharp reads on other threads, while the caller may write, and does not accept shared memory.
  if (transfer && !isShared(bytes)) return takeOver(bytes, 'image');
  onCopy?.(bytes.byteLength);
  return new Uint8Array(bytes);
}

/** Whether the memory of an image, if it has any, overlaps another view. */
export function overlapsImage(input: unknown, view: Float32Array): boolean {
  if (isEncoded(input)) return typeof input !== 'string' && overlap(input, view);
  if (!isObject(input)) return false;
  return [input.data, input.pixelValues].some(
    (part) => types.isTypedArray(part) && overlap(part, view),
  );
}

export interface PixelsInMemory {
  pixels: Pixels;
  /**
   * Whether this is the caller's memory, which may change as soon as this thread returns to the
   * caller.
   */
  borrowed: boolean;
}

/**
 * Reads an image whose pixels are already in memory.
 *
 * @param transfer whether the library takes ownership of the memory
 * @throws TypeError, RangeError (ERR_INVALID_ARG, ERR_INVALID_BUFFER)
 */
export function readPixels(input: unknown, transfer: boolean): PixelsInMemory {
  if (isObject(input) && 'pixelValues' in input) {
    const values = readPixelValues(input);
    const pixelValues = transfer ? takeOver(values, 'image.pixelValues') : values;
    return { pixels: { pixelValues }, borrowed: !transfer && !isShared(values) };
  }
  if (isObject(input) && 'data' in input) {
    const image = readRawPixels(input);
    const data = transfer ? takeOver(image.data, 'image.data') : image.data;
    return { pixels: { ...image, data }, borrowed: !transfer && !isShared(image.data) };
  }
  throw invalidType(EXPECTED, 'image', input);
}
