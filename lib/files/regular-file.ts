import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { LLM2CLIPError } from '../errors';
import { fileSystemPath } from './path-bytes';

/** Names for error messages of the things that a path may lead to. */
const KINDS: readonly [string, (stat: Stats) => boolean][] = [
  ['a folder', (stat) => stat.isDirectory()],
  ['a named pipe', (stat) => stat.isFIFO()],
  ['a device', (stat) => stat.isCharacterDevice() || stat.isBlockDevice()],
];

/**
 * Opens a regular file for reading. Anything else is refused, because a pipe would wait for its
 * writer and a device may never end.
 *
 * @param what Name of the expected file in error messages.
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO
 */
export async function openRegularFile(path: string, what = 'a file'): Promise<FileHandle> {
  // Without O_NONBLOCK, opening a named pipe could wait for ever.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  const file = await open(fileSystemPath(path), flags).catch((error: unknown) => {
    throw fileError(path, error, what);
  });
  try {
    const stat = await file.stat();
    if (stat.isFile()) return file;
    const found = KINDS.find(([, is]) => is(stat))?.[0] ?? 'a special file';
    throw new LLM2CLIPError('ERR_IO', `expected ${what} at ${path}, found ${found}`);
  } catch (error) {
    await file.close();
    throw fileError(path, error, what);
  }
}

/**
 * Converts a file system error to an error of this library. Other errors are returned unchanged.
 */
export function fileError(path: string, error: unknown, what = 'a file'): unknown {
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  const options = { cause: error };
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const text = `expected ${what} at ${path}, found nothing there`;
    return new LLM2CLIPError('ERR_NOT_FOUND', text, options);
  }
  if (code === 'ENXIO') {
    const text = `expected ${what} at ${path}, found a socket or a device without a driver`;
    return new LLM2CLIPError('ERR_IO', text, options);
  }
  return new LLM2CLIPError('ERR_IO', `cannot read ${path}: ${message}`, options);
}
