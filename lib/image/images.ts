import { access } from 'node:fs/promises';
import { LLM2CLIPError } from '../errors';
import { fileSystemPath } from '../files/path-bytes';
import { fromNative, loadNative } from '../native';
import { listImages } from './folder';
import { decodeImage, type RawPixels } from './index';
import type { Preprocessing } from './preprocessing';

const MAX_PIXELS = 50_000_000;

/** The images of files and folders that were read. */
export interface ReadImages<T> {
  paths: string[];
  /** One result per path. */
  read: T[];
  /** Files that do not decode, with the reasons. */
  skipped: { path: string; reason: string }[];
}

export interface ReadOptions<T> {
  /** Largest number of images. Further ones are not read. */
  most: number;
  /** Puts the paths into the order in which they are tried. Default: sorted by name. */
  order?: (paths: readonly string[]) => readonly string[];
  /** Makes the result for an image. */
  read: (path: string, raw: RawPixels) => Promise<T>;
  signal?: AbortSignal | undefined;
}

/**
 * Decodes the images of files and folders one by one. Files that do not decode are left out.
 *
 * @throws LLM2CLIPError ERR_NOT_FOUND if no image remains, ERR_IO; `signal.reason`
 */
export async function readImages<T>(
  places: readonly string[],
  { most, order = (paths) => paths, read, signal }: ReadOptions<T>,
): Promise<ReadImages<T>> {
  const found: ReadImages<T> = { paths: [], read: [], skipped: [] };
  for (const path of order(await listImages(places, signal))) {
    if (found.paths.length === most) break;
    signal?.throwIfAborted();
    try {
      const options = { maxPixels: MAX_PIXELS, autoOrient: false, transfer: false };
      found.read.push(await read(path, await decodeImage(path, options)));
      found.paths.push(path);
    } catch (error) {
      if (!(error instanceof LLM2CLIPError)) throw error;
      found.skipped.push({ path, reason: error.message });
    }
  }
  if (found.paths.length > 0) return found;
  const message = `expected images that decode in ${places.join(', ')}, found none`;
  throw new LLM2CLIPError('ERR_NOT_FOUND', message);
}

/** Returns `most` evenly spaced items first, and then the rest, which replace those that fail. */
function spread<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  const chosen = new Set(
    Array.from({ length: most }, (_, i) => Math.floor((i * items.length) / most)),
  );
  return [...items.filter((_, i) => chosen.has(i)), ...items.filter((_, i) => !chosen.has(i))];
}

async function requireThere(places: readonly string[]): Promise<void> {
  for (const place of places) {
    await access(fileSystemPath(place)).catch((cause: Error) => {
      const message = `expected an image or a folder of images at ${place}, found nothing there`;
      throw new LLM2CLIPError('ERR_NOT_FOUND', message, { cause });
    });
  }
}

/**
 * Reads and preprocesses at most `most` images, evenly spread over all files and folders.
 *
 * @returns [n, 3, S, S]
 * @throws LLM2CLIPError ERR_NOT_FOUND if a place does not exist or no image decodes; ERR_IO
 */
export async function sampleImages(
  places: readonly string[],
  most: number,
  preprocessing: Preprocessing,
  signal?: AbortSignal,
): Promise<Float32Array> {
  await requireThere(places);
  const { read } = await readImages(places, {
    most,
    order: (paths) => spread(paths, most),
    read: (_, raw) => fromNative(loadNative().preprocess(raw, preprocessing)),
    signal,
  });
  const length = 3 * preprocessing.size ** 2;
  const pixels = new Float32Array(read.length * length);
  for (const [i, image] of read.entries()) pixels.set(image, i * length);
  return pixels;
}
