import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { decodeImage, type ImageInput, type RawPixels } from '../image';
import { listPictures } from '../image/folder';
import { fromNative, loadNative } from '../native';
import { PACKAGE_ROOT } from '../package-version';
import type { Preprocessing } from '../preprocessing';
import type { InputKind } from './record';

/** Held in memory at once; further ones of a folder are not used. */
const MOST_PICTURES = 256;
const MAX_PIXELS = 50_000_000;

/** The pictures of a benchmark, and what a request carries of each. */
export interface Pictures {
  paths: string[];
  inputs: ImageInput[];
  /** Files of the folder that do not decode, and why. */
  skipped: { path: string; reason: string }[];
}

/** In a clone, the pictures of the tests. */
export const DEFAULT_PICTURES = join(PACKAGE_ROOT, 'test/fixtures/images');

async function inputOf(
  path: string,
  raw: RawPixels,
  kind: InputKind,
  preprocessing: Preprocessing,
): Promise<ImageInput> {
  switch (kind) {
    case 'path':
      return path;
    case 'encoded':
      return readFile(path);
    case 'raw':
      return raw;
    case 'preprocessed': {
      const { size } = preprocessing;
      const pixelValues = await fromNative(loadNative().preprocess(raw, preprocessing));
      return { pixelValues, shape: [1, 3, size, size] };
    }
  }
}

/**
 * Reads the pictures of files and folders; those that do not decode are left out.
 *
 * @throws LLM2CLIPError ERR_NOT_FOUND where none is left, ERR_IO
 */
export async function loadPictures(
  places: readonly string[],
  kind: InputKind,
  preprocessing: Preprocessing,
): Promise<Pictures> {
  const pictures: Pictures = { paths: [], inputs: [], skipped: [] };
  for (const path of await listPictures(places)) {
    if (pictures.paths.length === MOST_PICTURES) break;
    try {
      const options = { maxPixels: MAX_PIXELS, autoOrient: false, transfer: false };
      const raw = await decodeImage(path, options);
      pictures.inputs.push(await inputOf(path, raw, kind, preprocessing));
      pictures.paths.push(path);
    } catch (error) {
      if (!(error instanceof LLM2CLIPError)) throw error;
      pictures.skipped.push({ path, reason: error.message });
    }
  }
  if (pictures.paths.length === 0) {
    throw new LLM2CLIPError(
      'ERR_NOT_FOUND',
      `expected pictures that decode in ${places.join(', ')}, found none`,
    );
  }
  return pictures;
}
