import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { isErrorCode, LLM2CLIPError } from '../errors';
import { digestFile } from './digest';
import { type FileDigest, FORMAT_VERSION, MANIFEST_NAME, type Manifest } from './manifest';
import { tritonConfig } from './triton';

export interface WriteOptions {
  /** Replace a bundle that is there. */
  force: boolean;
  /** Exchanges two directories in one step; the addon's, see lib/native.ts. */
  exchange: (a: string, b: string) => void;
}

/** What the caller knows of the bundle; files, digests and version are added here. */
export type BundleContent = Omit<Manifest, 'files' | 'formatVersion'>;

const TRITON_CONFIG = 'vision/config.pbtxt';

function exists(out: string): LLM2CLIPError {
  return new LLM2CLIPError('ERR_BUNDLE_EXISTS', `${out} exists; replace it with --force`);
}

async function isThere(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}

/** Refused before any work is done; looked at again by publish(). */
async function requireReplaceable(out: string, force: boolean): Promise<void> {
  if (!(await isThere(out))) return;
  if (!force) throw exists(out);
  // Never remove what is not ours.
  if (await isThere(join(out, MANIFEST_NAME))) return;
  throw new LLM2CLIPError(
    'ERR_BUNDLE_EXISTS',
    `expected a bundle at ${out}, found something else, which --force does not replace`,
  );
}

/** Temporary folders are named after their process, so that those of dead ones can be swept. */
const temporaryPrefix = (out: string) => `.${basename(out)}.tmp-`;

async function makeTemporary(out: string): Promise<string> {
  const parent = dirname(out);
  await mkdir(parent, { recursive: true });
  const name = `${temporaryPrefix(out)}${process.pid}-${randomBytes(4).toString('hex')}`;
  const folder = join(parent, name);
  await mkdir(folder);
  return folder;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** What writers that were killed left behind. */
async function sweep(out: string): Promise<void> {
  const parent = dirname(out);
  const prefix = temporaryPrefix(out);
  for (const name of await readdir(parent)) {
    const pid = name.startsWith(prefix)
      ? Number.parseInt(name.slice(prefix.length), 10)
      : Number.NaN;
    if (pid > 0 && !isAlive(pid)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

async function digestAndSync(path: string): Promise<FileDigest> {
  const file = await open(path, 'r');
  try {
    await file.sync();
    return await digestFile(file);
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function syncFolders(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const inner = entries.filter((entry) => entry.isDirectory());
  for (const entry of inner) await syncFolder(join(entry.parentPath, entry.name));
  await syncFolder(folder);
}

async function complete(folder: string, content: BundleContent): Promise<Manifest> {
  await writeFile(join(folder, TRITON_CONFIG), tritonConfig(content));
  const files: Record<string, FileDigest> = {};
  for (const name of await filesOf(folder)) files[name] = await digestAndSync(join(folder, name));
  const manifest: Manifest = { formatVersion: FORMAT_VERSION, ...content, files };
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  await writeFile(join(folder, MANIFEST_NAME), text, { flush: true });
  await syncFolders(folder);
  return manifest;
}

/** From here on readers see the new bundle. `folder` is gone, or holds the old one. */
async function publish(folder: string, out: string, options: WriteOptions): Promise<void> {
  try {
    await rename(folder, out);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const taken = code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR';
    if (!taken) throw error;
    await requireReplaceable(out, options.force);
    options.exchange(folder, out);
  }
  await syncFolder(dirname(out));
}

function asLibraryError(error: unknown, out: string): unknown {
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  if (isErrorCode(code) || syscall === undefined) return error;
  return new LLM2CLIPError('ERR_IO', `cannot write the bundle ${out}: ${message}`, {
    cause: error,
  });
}

/**
 * Writes a bundle: whole or not at all. Filled in a temporary folder beside `out`, synced, renamed;
 * over an existing bundle the two are exchanged in one step.
 *
 * @param fill Puts the engine's files into the folder it is given.
 * @throws LLM2CLIPError ERR_BUNDLE_EXISTS, ERR_IO; whatever `fill` throws
 */
export async function writeBundle(
  out: string,
  options: WriteOptions,
  fill: (folder: string) => Promise<BundleContent>,
): Promise<Manifest> {
  const target = resolve(out);
  try {
    await requireReplaceable(target, options.force);
    const folder = await makeTemporary(target);
    try {
      await sweep(target);
      const manifest = await complete(folder, await fill(folder));
      await publish(folder, target, options);
      return manifest;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  } catch (error) {
    throw asLibraryError(error, target);
  }
}
