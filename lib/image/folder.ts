import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { fileSystemPath, nameOfBytes, realPath } from '../files/path-bytes';
import { fileError } from '../files/regular-file';

/** File extensions of images in a folder. A file named by the caller is read whatever its name. */
const EXTENSIONS = new Set([
  ...['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.apng', '.webp'],
  ...['.gif', '.tif', '.tiff', '.avif'],
]);

/**
 * Whether a file holds the attributes of another one, as macOS writes them on foreign file systems.
 */
export function isAppleDouble(name: string): boolean {
  return name.startsWith('._');
}

export function hasImageName(path: string): boolean {
  return EXTENSIONS.has(extname(path).toLowerCase());
}

/** The result of a search for image files. */
export interface FoundImages {
  /** Paths in the order of the places; within a folder, sorted by name. */
  images: string[];
  /** Number of skipped files that are not images, by kind: ".heic" → 37. */
  leftOut: Map<string, number>;
}

export interface FindOptions {
  signal?: AbortSignal | undefined;
  /** Counts to add to, when several searches share them. */
  leftOut?: Map<string, number>;
}

/**
 * Finds image files. Each place is a file, or a folder that is searched recursively. Symbolic links
 * are followed, but each folder is listed only once, under its real path if that is in the tree.
 *
 * @throws LLM2CLIPError ERR_NOT_FOUND for a folder without images, ERR_IO; `signal.reason`
 */
export async function findImages(
  places: readonly string[],
  { signal, leftOut = new Map() }: FindOptions = {},
): Promise<FoundImages> {
  const found: FoundImages = { images: [], leftOut };
  for (const place of places) {
    const isFolder = (await kindOf(place)) === 'folder';
    const images = isFolder ? await listFolder(place, leftOut, signal) : [place];
    for (const image of images) found.images.push(image);
  }
  return found;
}

/** Like `findImages`, for callers that do not report the skipped files. */
export async function listImages(
  places: readonly string[],
  signal?: AbortSignal,
): Promise<string[]> {
  return (await findImages(places, { signal })).images;
}

async function listFolder(
  root: string,
  leftOut: Map<string, number>,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const images: string[] = [];
  const listed = new Set<string>();
  let links = [root];
  // Real folders come before links, in rounds, so that a folder is listed by its real path if it
  // has one here. Loops end because a link in a loop leads to a folder that is already listed.
  while (links.length > 0) {
    const folders = links.sort().reverse(); // pop() takes from the end.
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
        else if (kind === 'file' && hasImageName(name) && !isAppleDouble(name)) {
          images.push(path);
        } else count(leftOut, describe(name, kind));
      }
    }
  }
  if (images.length > 0) return images.sort();
  throw new LLM2CLIPError('ERR_NOT_FOUND', `expected images in ${root}, found none`);
}

/** Lists a folder, or returns nothing if it was already listed under another path. */
async function listOnce(folder: string, listed: Set<string>): Promise<FolderEntry[]> {
  const real = await realPath(folder).catch((error: unknown) => {
    throw fileError(folder, error, 'a folder');
  });
  if (listed.has(real)) return [];
  listed.add(real);
  return readFolder(folder);
}

/** Whether a folder is forbidden to this user or has been deleted; a failing disk is neither. */
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

/** Kind of file at a path; `special` is a pipe, a socket or a device. */
type EntryKind = 'file' | 'folder' | 'special' | 'broken';

/** An entry of a folder. */
export interface FolderEntry {
  name: string;
  path: string;
  /** For a symbolic link, the kind of its target. */
  kind: EntryKind;
  isLink: boolean;
}

/**
 * Lists the entries of a folder.
 *
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO
 */
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
