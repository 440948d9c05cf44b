import { types } from 'node:util';
import { invalidType, isObject } from './arguments';
import { decodeEncoded } from './image/encoded';
import { copyBytes } from './image/memory';
import { type PreprocessedInput, readPixelValues } from './image/pixel-values';
import { copyRawPixels } from './image/raw-pixels';
import { readPicture } from './image/read';
import type { RawPixels } from './native';
import type { ImageOptions } from './options';

/**
 * A picture: a path, an encoded file's bytes (JPEG, PNG, WebP, GIF, TIFF or AVIF, told by content),
 * 8-bit pixels, or float pixels that are already preprocessed.
 *
 * @example
 * const inputs: ImageInput[] = ['cat.jpg', await readFile('dog.webp'), { data, width, height, channels: 3 }];
 */
export type ImageInput = string | Uint8Array | ArrayBufferLike | RawPixels | PreprocessedInput;

export type { PreprocessedInput, RawPixels };

const EXPECTED =
  'a path, encoded bytes, { data, width, height, channels } or { pixelValues, shape }';

/**
 * Pixels in memory that nobody else can write, detach or free: a caller's are copied, once.
 *
 * @throws TypeError, RangeError (ERR_INVALID_ARG, ERR_INVALID_BUFFER)
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO, ERR_IMAGE_UNSUPPORTED, ERR_IMAGE_CORRUPT,
 *   ERR_IMAGE_TOO_LARGE
 */
export async function decodeImage(
  input: unknown,
  options: Required<ImageOptions>,
): Promise<RawPixels | { pixelValues: Float32Array }> {
  if (typeof input === 'string') return decodeEncoded(await readPicture(input), input, options);
  if (types.isUint8Array(input) || types.isAnyArrayBuffer(input)) {
    return decodeEncoded(copyBytes(input, 'image'), 'the image', options);
  }
  if (isObject(input) && 'pixelValues' in input) return readPixelValues(input);
  if (isObject(input) && 'data' in input) return copyRawPixels(input);
  throw invalidType(EXPECTED, 'image', input);
}
