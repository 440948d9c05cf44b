import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * A folder is filled under another name beside its target and renamed when it is whole, so that a
 * process killed at any moment leaves the old one or the new one. The name says who fills it:
 * `.<target>.<host>.<pid>-<start>.<random>.staging`.
 */
const SUFFIX = '.staging';

export async function createStaging(target: string): Promise<string> {
  const owner = `${process.pid}-${await startTime(process.pid)}`;
  const unique = randomBytes(4).toString('hex');
  const staging = join(dirname(target), `${prefix(target)}${owner}.${unique}${SUFFIX}`);
  await mkdir(dirname(target), { recursive: true });
  // Not recursive: Node tries for ever where a system answers ENOENT in a folder that is there (/proc).
  await mkdir(staging);
  return staging;
}

/**
 * Makes the folder of `file`, a path below a folder that is being filled. That folder itself is never
 * made: it may have been removed because the work was aborted.
 */
export async function makeFolderOf(staging: string, file: string): Promise<void> {
  let folder = staging;
  for (const part of dirname(file).split('/')) {
    folder = join(folder, part);
    await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** Removes what processes of this machine left behind when they were killed. Best effort. */
export async function sweepStaging(target: string): Promise<void> {
  const names = await readdir(dirname(target)).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(prefix(target)) || !name.endsWith(SUFFIX)) continue;
    const [pid = '', start = ''] =
      name.slice(prefix(target).length).split('.')[0]?.split('-') ?? [];
    if ((await startTime(Number(pid))) === start) continue;
    // Programs that the dead one started may still be writing.
    const options = { recursive: true, force: true, maxRetries: 5 };
    await rm(join(dirname(target), name), options).catch(() => undefined);
  }
}

/**
 * Gives a folder whose files are on the disk its real name, durably. False where something has that
 * name already: it stands.
 */
export async function publish(staging: string, target: string): Promise<boolean> {
  try {
    await rename(staging, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') return false;
    throw error;
  }
  await syncFolder(dirname(target));
  return true;
}

/**
 * Puts a folder whose files are on the disk in the place of an existing `target`, durably, and takes
 * the old content over.
 *
 * @param exchange Exchanges two folders: the addon does it in one step, see lib/native.ts.
 */
export async function replace(
  staging: string,
  target: string,
  exchange: (a: string, b: string) => void | Promise<void>,
): Promise<void> {
  await exchange(staging, target);
  await syncFolder(dirname(target));
}

/** Exchanges two folders by three renames: for a moment a reader finds neither at `b`. */
export async function exchangeByRenames(a: string, b: string): Promise<void> {
  const old = `${a}.old`;
  await rename(b, old);
  await rename(a, b);
  await rename(old, a);
}

/**
 * Brings the file system of a folder to the disk: ten thousand headers one by one would take a
 * minute.
 */
export async function syncFileSystem(folder: string): Promise<void> {
  await promisify(execFile)('sync', ['-f', folder]);
}

/** Brings a folder's list of names to the disk. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function prefix(target: string): string {
  return `.${basename(target)}.${hostname().replaceAll('.', '_')}.`;
}

/** A process's start in clock ticks since boot, '' where it does not run: process ids are used again. */
async function startTime(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field is the program's name in brackets and may hold spaces; the 22nd is the start.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
