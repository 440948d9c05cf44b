import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { LLM2CLIPError } from '../errors';

/** What in a folder is taken for a picture; a file that is named is tried whatever it is called. */
const EXTENSIONS = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif']);

export function hasPictureName(path: string): boolean {
  return EXTENSIONS.has(extname(path).toLowerCase());
}

/**
 * The files that the arguments of `encode` mean: a folder stands for the pictures in it and below,
 * by name. ERR_NOT_FOUND for a folder without any.
 */
export async function listPictures(paths: readonly string[]): Promise<string[]> {
  const lists: string[][] = [];
  for (const path of paths) {
    const isFolder = await stat(path).then(
      (status) => status.isDirectory(),
      () => false,
    );
    lists.push(isFolder ? await listFolder(path) : [path]);
  }
  return lists.flat();
}

async function listFolder(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true }).catch((cause: Error) => {
    throw new LLM2CLIPError('ERR_IO', `cannot list ${folder}: ${cause.message}`, { cause });
  });
  const pictures = names.filter(hasPictureName).sort();
  if (pictures.length === 0) {
    throw new LLM2CLIPError('ERR_NOT_FOUND', `expected pictures in ${folder}, found none`);
  }
  return pictures.map((name) => join(folder, name));
}
