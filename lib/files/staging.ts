import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Suffix of staging folders. A folder is filled under another name beside its target and renamed
 * when it is complete. If the process is killed at any moment, either the old folder or the new one
 * is there. The name contains the owner: `.<target>.<host>.<pid>-<start>.<random>.staging`.
 */
const SUFFIX = '.staging';

export async function createStaging(target: string): Promise<string> {
  const owner = `${process.pid}-${await startTime(process.pid)}`;
  const unique = randomBytes(4).toString('hex');
  const staging = join(dirname(target), `${prefix(target)}${owner}.${unique}${SUFFIX}`);
  await mkdir(dirname(target), { recursive: true });
  // Not recursive: Node would retry for ever where mkdir answers ENOENT in an existing folder
  // (/proc).
  await mkdir(staging);
  return staging;
}

/**
 * Creates the parent folder of `file`, a path below a staging folder. The staging folder itself is
 * never created, because it may have been deleted when the work was aborted.
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

/**
 * Deletes the staging folders of processes of this machine that no longer run. Errors are ignored.
 */
export async function sweepStaging(target: string): Promise<void> {
  const names = await readdir(dirname(target)).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(prefix(target)) || !name.endsWith(SUFFIX)) continue;
    const [pid = '', start = ''] =
      name.slice(prefix(target).length).split('.')[0]?.split('-') ?? [];
    if ((await startTime(Number(pid))) === start) continue;
    // Child processes of the dead process may still be writing.
    const options = { recursive: true, force: true, maxRetries: 5 };
    await rm(join(dirname(target), name), options).catch(() => undefined);
  }
}

/**
 * Renames a staging folder, whose files must be on the disk, to its target, and syncs the rename to
 * the disk. Returns false if the target exists; it is left unchanged.
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
 * Replaces an existing `target` by a staging folder, whose files must be on the disk, and syncs the
 * change to the disk. The staging folder then holds the old content.
 *
 * @param exchange Exchanges two folders. The addon does it in one step, see lib/native.ts.
 */
export async function replace(
  staging: string,
  target: string,
  exchange: (a: string, b: string) => void | Promise<void>,
): Promise<void> {
  await exchange(staging, target);
  await syncFolder(dirname(target));
}

/** Exchanges two folders by three renames. For a moment there is no folder at `b`. */
export async function exchangeByRenames(a: string, b: string): Promise<void> {
  const old = `${a}.old`;
  await rename(b, old);
  await rename(a, b);
  await rename(old, a);
}

/**
 * Syncs the whole file system of a folder to the disk. Syncing ten thousand headers one by one
 * would take a minute.
 */
export async function syncFileSystem(folder: string): Promise<void> {
  await promisify(execFile)('sync', ['-f', folder]);
}

/** Syncs a folder's list of names to the disk. */
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

/**
 * Returns a process's start time in clock ticks since boot, or '' if it does not run. Process ids
 * are reused, so an id alone does not identify a process.
 */
async function startTime(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field is the program's name in brackets and may hold spaces. The 22nd field is the
  // start.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
