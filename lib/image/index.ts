import { types } from 'node:util';
import { invalidType, isObject } from '../arguments';
import type { Pixels, RawPixels } from '../native';
import type { ImageOptions } from '../options';
import { decodeEncoded } from './encoded';
import { limited } from './limit';
import { isShared, overlap, takeOver, viewBytes } from './memory';
import { type PreprocessedInput, readPixelValues } from './pixel-values';
import { readRawPixels } from './raw-pixels';
import { readPicture } from './read';

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

/** An encoded picture, which has to be decoded: a path, or a file's bytes. */
export type EncodedImage = Extract<ImageInput, string | Uint8Array | ArrayBufferLike>;

export function isEncoded(input: unknown): input is EncodedImage {
  return typeof input === 'string' || types.isUint8Array(input) || types.isAnyArrayBuffer(input);
}

export interface DecodeOptions extends Required<ImageOptions> {
  /** The caller's bytes become the library's. */
  transfer: boolean;
  /** A picture whose turn comes after its abort is not decoded. */
  signal?: AbortSignal | undefined;
  /** Told of each copy of the caller's bytes. */
  onCopy?: (bytes: number) => void;
}

/**
 * The pixels of an encoded picture, which are the library's own. Bytes are copied before this
 * function returns.
 *
 * @throws RangeError ERR_INVALID_BUFFER; `signal.reason`
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO, ERR_IMAGE_UNSUPPORTED, ERR_IMAGE_CORRUPT,
 *   ERR_IMAGE_TOO_LARGE
 */
export async function decodeImage(input: EncodedImage, options: DecodeOptions): Promise<RawPixels> {
  const { signal } = options;
  if (typeof input === 'string') {
    return limited(async () => decodeEncoded(await readPicture(input), input, options), signal);
  }
  const bytes = ownBytes(input, options);
  return limited(() => decodeEncoded(bytes, 'the image', options), signal);
}

function ownBytes(
  input: Uint8Array | ArrayBufferLike,
  { transfer, onCopy }: DecodeOptions,
): Uint8Array {
  const bytes = viewBytes(input, 'image');
  // sharp reads on other threads, while the caller goes on writing, and no shared memory at all.
  if (transfer && !isShared(bytes)) return takeOver(bytes, 'image');
  onCopy?.(bytes.byteLength);
  return new Uint8Array(bytes);
}

/** Whether a picture's own memory, where it has any, overlaps a view of another purpose. */
export function overlapsImage(input: unknown, view: Float32Array): boolean {
  if (isEncoded(input)) return typeof input !== 'string' && overlap(input, view);
  if (!isObject(input)) return false;
  return [input.data, input.pixelValues].some(
    (part) => types.isTypedArray(part) && overlap(part, view),
  );
}

export interface PixelsInMemory {
  pixels: Pixels;
  /** The caller's memory, who may write, detach or free it as soon as this thread is theirs again. */
  borrowed: boolean;
}

/**
 * A picture whose pixels are in memory already.
 *
 * @param transfer The memory becomes the library's.
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
