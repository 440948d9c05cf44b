import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { fileSystemPath, nameOfBytes, realPath } from '../files/path-bytes';
import { fileError } from '../files/regular-file';

/** What in a folder is taken for a picture; a file that is named is tried whatever it is called. */
const EXTENSIONS = new Set([
  ...['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.apng', '.webp'],
  ...['.gif', '.tif', '.tiff', '.avif'],
]);

/** Whether macOS wrote it beside a file on a foreign disk: that file's attributes, under its name. */
export function isAppleDouble(name: string): boolean {
  return name.startsWith('._');
}

export function hasPictureName(path: string): boolean {
  return EXTENSIONS.has(extname(path).toLowerCase());
}

/** What folders hold. */
export interface FoundPictures {
  /** In the order of the places; of a folder by name. */
  pictures: string[];
  /** How many files that are no pictures lie beside them, by kind: ".heic" → 37. */
  leftOut: Map<string, number>;
}

export interface FindOptions {
  signal?: AbortSignal | undefined;
  /** Counts what is left out further, of several searches. */
  leftOut?: Map<string, number>;
}

/**
 * The files that places mean: a folder stands for the pictures in it and below. Links are followed,
 * but no folder is listed twice, and by its own name where it has one there.
 *
 * @throws LLM2CLIPError ERR_NOT_FOUND for a folder without any, ERR_IO; `signal.reason`
 */
export async function findPictures(
  places: readonly string[],
  { signal, leftOut = new Map() }: FindOptions = {},
): Promise<FoundPictures> {
  const found: FoundPictures = { pictures: [], leftOut };
  for (const place of places) {
    const isFolder = (await kindOf(place)) === 'folder';
    const pictures = isFolder ? await listFolder(place, leftOut, signal) : [place];
    for (const picture of pictures) found.pictures.push(picture);
  }
  return found;
}

/** The same, for those who do not say what was left out. */
export async function listPictures(
  places: readonly string[],
  signal?: AbortSignal,
): Promise<string[]> {
  return (await findPictures(places, { signal })).pictures;
}

async function listFolder(
  root: string,
  leftOut: Map<string, number>,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const pictures: string[] = [];
  const listed = new Set<string>();
  let links = [root];
  // A round of links after all folders that lie there themselves; a loop's links lead to listed ones.
  while (links.length > 0) {
    const folders = links.sort().reverse(); // from the end on
    links = [];
    for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
      signal?.throwIfAborted();
      const entries = await listOnce(next, listed).catch((error: unknown) => {
        if (next === root || !isUnreadable(error)) throw error;
        count(leftOut, 'unreadable folder');
        return [];
      });
      for (const { path, name, kind, isLink } of entries) {
        if (kind === 'folder') (isLink ? links : folders).push(path);
        else if (kind === 'file' && hasPictureName(name) && !isAppleDouble(name)) {
          pictures.push(path);
        } else count(leftOut, describe(name, kind));
      }
    }
  }
  if (pictures.length > 0) return pictures.sort();
  throw new LLM2CLIPError('ERR_NOT_FOUND', `expected pictures in ${root}, found none`);
}

/** What lies in a folder; nothing, where it was listed by another name. */
async function listOnce(folder: string, listed: Set<string>): Promise<FolderEntry[]> {
  const real = await realPath(folder).catch((error: unknown) => {
    throw fileError(folder, error, 'a folder');
  });
  if (listed.has(real)) return [];
  listed.add(real);
  return readFolder(folder);
}

/** Whether another may read the folder, or it has gone; as opposed to a disk that fails. */
function isUnreadable(error: unknown): boolean {
  const { cause, code } = error as Error & { code?: string };
  const { code: reason = '' } = (cause ?? {}) as NodeJS.ErrnoException;
  return code === 'ERR_NOT_FOUND' || ['EACCES', 'EPERM'].includes(reason);
}

function count(counts: Map<string, number>, kind: string): void {
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
}

function describe(name: string, kind: EntryKind): string {
  if (kind === 'special') return 'special file';
  if (kind === 'broken') return 'broken link';
  if (isAppleDouble(name)) return '._*';
  return extname(name).toLowerCase() || (name.startsWith('.') ? name : 'extensionless file');
}

/** What a path leads to; `special` is a pipe, a socket or a device. */
type EntryKind = 'file' | 'folder' | 'special' | 'broken';

/** What lies in a folder. */
export interface FolderEntry {
  name: string;
  path: string;
  /** Of a link, what it leads to. */
  kind: EntryKind;
  isLink: boolean;
}

/** @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO */
export async function readFolder(folder: string): Promise<FolderEntry[]> {
  const options = { withFileTypes: true, encoding: 'buffer' } as const;
  const entries = await readdir(fileSystemPath(folder), options).catch((error: unknown) => {
    throw fileError(folder, error, 'a folder');
  });
  const found: FolderEntry[] = [];
  for (const entry of entries) {
    const name = nameOfBytes(entry.name);
    const path = join(folder, name);
    const isLink = entry.isSymbolicLink();
    found.push({ name, path, kind: isLink ? await kindOf(path) : kindOfEntry(entry), isLink });
  }
  return found;
}

async function kindOf(path: string): Promise<EntryKind> {
  return stat(fileSystemPath(path)).then(kindOfEntry, () => 'broken');
}

function kindOfEntry(entry: Pick<Dirent<Buffer>, 'isFile' | 'isDirectory'>): EntryKind {
  if (entry.isFile()) return 'file';
  return entry.isDirectory() ? 'folder' : 'special';
}
