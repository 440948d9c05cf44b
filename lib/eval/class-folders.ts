import { join } from 'node:path';
import { invalidRange, isObject } from '../arguments';
import { LLM2CLIPError } from '../errors';
import { findImages, readFolder } from '../image/folder';

/** Images by class. */
export interface ClassDataset {
  /** Name of each class, for prompts. */
  labels: string[];
  /** Paths of the image files. */
  images: string[];
  /** For each image, the index of its class in `labels`. */
  classOfImage: number[];
  /** Number of skipped files by kind, as in findImages(). */
  leftOut: Map<string, number>;
}

/**
 * Reads a folder with one folder per class, like ImageNet. The classes are sorted by the names of
 * their folders.
 *
 * @param names class names in this order, or by folder name. Default: the names of the folders with
 *   spaces in place of underscores.
 * @throws RangeError (ERR_INVALID_ARG) if the names do not match the folders; LLM2CLIPError
 *   ERR_NOT_FOUND, ERR_IO; `signal.reason`
 */
export async function readClassFolders(
  folder: string,
  names?: readonly string[] | Readonly<Record<string, unknown>>,
  signal?: AbortSignal,
): Promise<ClassDataset> {
  const folders = await listFolders(folder);
  const leftOut = new Map<string, number>();
  const dataset: ClassDataset = { labels: [], images: [], classOfImage: [], leftOut };
  requireFit(folders, names);
  for (const [place, name] of folders.entries()) {
    dataset.labels.push(labelOf(name, place, names));
    const { images } = await findImages([join(folder, name)], { leftOut, signal });
    for (const image of images) dataset.images.push(image);
    for (const _ of images) dataset.classOfImage.push(place);
  }
  return dataset;
}

async function listFolders(folder: string): Promise<string[]> {
  const folders = (await readFolder(folder))
    .filter(({ kind, name }) => kind === 'folder' && !name.startsWith('.'))
    .map(({ name }) => name);
  if (folders.length > 0) return folders.sort();
  throw new LLM2CLIPError(
    'ERR_NOT_FOUND',
    `expected one folder per class in ${folder}, found none`,
  );
}

function requireFit(folders: readonly string[], names: unknown): void {
  if (!Array.isArray(names) || names.length === folders.length) return;
  throw invalidRange(`${folders.length} names, one per folder,`, 'classnames', names);
}

function labelOf(
  folder: string,
  place: number,
  names: readonly unknown[] | Readonly<Record<string, unknown>> | undefined,
): string {
  if (names === undefined) return folder.replaceAll('_', ' ');
  const name: unknown = Array.isArray(names)
    ? names[place]
    : isObject(names)
      ? names[folder]
      : undefined;
  if (typeof name === 'string') return name;
  throw invalidRange(`a name for the folder ${folder}`, 'classnames', name);
}
