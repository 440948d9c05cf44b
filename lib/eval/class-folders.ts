import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidRange, isObject } from '../arguments';
import { LLM2CLIPError } from '../errors';
import { listPictures } from '../image/folder';
import { fileError } from '../regular-file';

/** Pictures by class. */
export interface ClassDataset {
  /** What a class is called in texts. */
  labels: string[];
  /** Files. */
  pictures: string[];
  /** The class of each picture, by its place. */
  classOfPicture: number[];
}

/**
 * A folder that has a folder a class, as ImageNet has them; classes come in the order of their
 * folders' names.
 *
 * @param names What classes are called: in their order, or by the names of their folders. Default: as
 *   their folders, with spaces for underscores.
 * @throws RangeError (ERR_INVALID_ARG) for names that do not fit; LLM2CLIPError ERR_NOT_FOUND, ERR_IO
 */
export async function readClassFolders(
  folder: string,
  names?: readonly string[] | Readonly<Record<string, unknown>>,
): Promise<ClassDataset> {
  const folders = await listFolders(folder);
  const dataset: ClassDataset = { labels: [], pictures: [], classOfPicture: [] };
  requireFit(folders, names);
  for (const [place, name] of folders.entries()) {
    dataset.labels.push(labelOf(name, place, names));
    const pictures = await listPictures([join(folder, name)]);
    for (const picture of pictures) dataset.pictures.push(picture);
    for (const _ of pictures) dataset.classOfPicture.push(place);
  }
  return dataset;
}

async function listFolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw fileError(folder, error);
  });
  const folders = entries
    .filter((entry) => !entry.isFile() && !entry.name.startsWith('.'))
    .map(({ name }) => name);
  if (folders.length > 0) return folders.sort();
  throw new LLM2CLIPError('ERR_NOT_FOUND', `expected a folder a class in ${folder}, found none`);
}

function requireFit(folders: readonly string[], names: unknown): void {
  if (!Array.isArray(names) || names.length === folders.length) return;
  throw invalidRange(`${folders.length} names, one a folder,`, 'classnames', names);
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
