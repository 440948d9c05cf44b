import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageInput, RawPixels } from '../image';
import { readImages } from '../image/images';
import type { Preprocessing } from '../image/preprocessing';
import { fromNative, loadNative } from '../native';
import { PACKAGE_ROOT } from '../package-version';
import type { InputKind } from './record';

/**
 * Largest number of images, because all are held in memory. Further ones of a folder are not used.
 */
const MOST_IMAGES = 256;

/** The images of a benchmark, in the form in which requests pass them. */
export interface Images {
  paths: string[];
  inputs: ImageInput[];
  /** Files that do not decode, with the reasons. */
  skipped: { path: string; reason: string }[];
}

/** The images of the tests, which exist only in a clone. */
export const DEFAULT_IMAGES = join(PACKAGE_ROOT, 'test/fixtures/images');

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
 * Reads image files and folders. Files that do not decode are left out.
 *
 * @throws LLM2CLIPError ERR_NOT_FOUND if no image remains, ERR_IO
 */
export async function loadImages(
  places: readonly string[],
  kind: InputKind,
  preprocessing: Preprocessing,
): Promise<Images> {
  const { paths, read, skipped } = await readImages(places, {
    most: MOST_IMAGES,
    read: (path, raw) => inputOf(path, raw, kind, preprocessing),
  });
  return { paths, inputs: read, skipped };
}

/** Reads images that are known to decode into the form that requests pass. */
export async function readInputs(
  paths: readonly string[],
  kind: InputKind,
  preprocessing: Preprocessing,
): Promise<ImageInput[]> {
  if (kind === 'path') return [...paths];
  if (kind === 'encoded') return Promise.all(paths.map((path) => readFile(path)));
  return (await loadImages(paths, kind, preprocessing)).inputs;
}
