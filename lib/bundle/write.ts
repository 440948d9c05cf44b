import { lstat, realpath, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { abortable } from '../async/abort';
import { isErrorCode, LLM2CLIPError } from '../errors';
import { createStaging, publish, replace, sweepStaging } from '../files/staging';
import { MANIFEST_NAME, type Manifest } from './manifest';
import { type BundleContent, seal } from './seal';

export type { BundleContent } from './seal';

export interface WriteOptions {
  /** Replace an existing bundle. */
  force: boolean;
  /** Exchanges two directories atomically; see `exchangeDirectories` of the addon. */
  exchange: (a: string, b: string) => void;
  /** Cancels the writing until the moment the bundle appears. */
  signal?: AbortSignal | undefined;
}

/** Follows a symbolic link, so that the bundle itself is replaced and not the link to it. */
async function targetOf(out: string): Promise<string> {
  return realpath(out).catch(() => resolve(out));
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
}

/** Refuses an existing bundle before any work is done; putInPlace() checks again. */
async function requireReplaceable(out: string, force: boolean): Promise<void> {
  if (!(await isThere(out))) return;
  if (!force) {
    throw new LLM2CLIPError('ERR_BUNDLE_EXISTS', `${out} exists; replace it with --force`);
  }
  // Never remove anything but a bundle.
  if (await isThere(join(out, MANIFEST_NAME))) return;
  throw new LLM2CLIPError(
    'ERR_BUNDLE_EXISTS',
    `expected a bundle at ${out}, found something else, which --force does not replace; ` +
      'choose another --out, or remove it yourself',
  );
}

/** Makes the new bundle visible. Afterwards `folder` is gone or holds the old bundle. */
async function putInPlace(folder: string, out: string, options: WriteOptions): Promise<void> {
  if (await publish(folder, out)) return;
  await requireReplaceable(out, options.force);
  await replace(folder, out, options.exchange);
}

function asLibraryError(error: unknown, out: string): unknown {
  if (error instanceof LLM2CLIPError || !(error instanceof Error)) return error;
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  const options = { cause: error };
  if (isErrorCode(code)) return new LLM2CLIPError(code, message, options);
  if (syscall === undefined) return error;
  return new LLM2CLIPError('ERR_IO', `cannot write the bundle ${out}: ${message}`, options);
}

/**
 * Writes a bundle atomically. The files are written to a temporary folder beside `out` and synced.
 * The folder is then renamed to `out`, or exchanged with the bundle that is there.
 *
 * @param fill Writes the engine files into the folder that it is given.
 * @throws LLM2CLIPError ERR_BUNDLE_EXISTS, ERR_IO; whatever `fill` throws; `signal.reason`
 */
export async function writeBundle(
  out: string,
  options: WriteOptions,
  fill: (folder: string) => Promise<BundleContent>,
): Promise<Manifest> {
  const target = await targetOf(out);
  try {
    await requireReplaceable(target, options.force);
    await sweepStaging(target);
    const folder = await createStaging(target);
    try {
      options.signal?.throwIfAborted();
      const content = await abortable(fill(folder), options.signal);
      const manifest = await seal(folder, content, options.signal);
      options.signal?.throwIfAborted();
      await putInPlace(folder, target, options);
      return manifest;
    } finally {
      // An aborted fill may still be writing, so retry until the folder is gone.
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  } catch (error) {
    throw asLibraryError(error, target);
  }
}
