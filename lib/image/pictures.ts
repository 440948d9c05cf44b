import { access } from 'node:fs/promises';
import { LLM2CLIPError } from '../errors';
import { fileSystemPath } from '../files/path-bytes';
import { fromNative, loadNative } from '../native';
import { listPictures } from './folder';
import { decodeImage, type RawPixels } from './index';
import type { Preprocessing } from './preprocessing';

const MAX_PIXELS = 50_000_000;

/** What was made of the pictures of files and folders. */
export interface ReadPictures<T> {
  paths: string[];
  /** One a path. */
  read: T[];
  /** Files that do not decode, and why. */
  skipped: { path: string; reason: string }[];
}

export interface ReadOptions<T> {
  /** Pictures, at most; further ones are left. */
  most: number;
  /** In which they are tried; by name where it is not given. */
  order?: (paths: readonly string[]) => readonly string[];
  /** What is kept of each. */
  read: (path: string, raw: RawPixels) => Promise<T>;
  signal?: AbortSignal | undefined;
}

/**
 * Decodes the pictures of files and folders one by one; those that do not decode are left out.
 *
 * @throws LLM2CLIPError ERR_NOT_FOUND where none is left, ERR_IO; `signal.reason`
 */
export async function readPictures<T>(
  places: readonly string[],
  { most, order = (paths) => paths, read, signal }: ReadOptions<T>,
): Promise<ReadPictures<T>> {
  const found: ReadPictures<T> = { paths: [], read: [], skipped: [] };
  for (const path of order(await listPictures(places, signal))) {
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
  const message = `expected pictures that decode in ${places.join(', ')}, found none`;
  throw new LLM2CLIPError('ERR_NOT_FOUND', message);
}

/** `most` items from beginning to end at even distances, then the rest, for those that fail. */
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
      const message = `expected a picture or a folder of them at ${place}, found nothing there`;
      throw new LLM2CLIPError('ERR_NOT_FOUND', message, { cause });
    });
  }
}

/**
 * At most `most` pictures, evenly spread over all of files and folders, preprocessed: [n, 3, S, S].
 *
 * @throws LLM2CLIPError ERR_NOT_FOUND where a place is not there, or no picture decodes; ERR_IO
 */
export async function samplePictures(
  places: readonly string[],
  most: number,
  preprocessing: Preprocessing,
  signal?: AbortSignal,
): Promise<Float32Array> {
  await requireThere(places);
  const { read } = await readPictures(places, {
    most,
    order: (paths) => spread(paths, most),
    read: (_, raw) => fromNative(loadNative().preprocess(raw, preprocessing)),
    signal,
  });
  const length = 3 * preprocessing.size ** 2;
  const pixels = new Float32Array(read.length * length);
  for (const [i, picture] of read.entries()) pixels.set(picture, i * length);
  return pixels;
}
