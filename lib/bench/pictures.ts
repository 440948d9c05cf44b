import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageInput, RawPixels } from '../image';
import { readPictures } from '../image/pictures';
import type { Preprocessing } from '../image/preprocessing';
import { fromNative, loadNative } from '../native';
import { PACKAGE_ROOT } from '../package-version';
import type { InputKind } from './record';

/** Held in memory at once; further ones of a folder are not used. */
const MOST_PICTURES = 256;

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
  const { paths, read, skipped } = await readPictures(places, {
    most: MOST_PICTURES,
    read: (path, raw) => inputOf(path, raw, kind, preprocessing),
  });
  return { paths, inputs: read, skipped };
}

/** What requests carry of pictures that decode: they are decoded only where that is what they carry. */
export async function readInputs(
  paths: readonly string[],
  kind: InputKind,
  preprocessing: Preprocessing,
): Promise<ImageInput[]> {
  if (kind === 'path') return [...paths];
  if (kind === 'encoded') return Promise.all(paths.map((path) => readFile(path)));
  return (await loadPictures(paths, kind, preprocessing)).inputs;
}
