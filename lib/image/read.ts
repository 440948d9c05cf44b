import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { invalidRange, nonEmptyString } from '../arguments';
import { LLM2CLIPError } from '../errors';
import { fileSystemPath } from '../path-bytes';
import { requireFormat, SIGNATURE_BYTES } from './format';

/**
 * A picture file's bytes. What is not a picture is refused from its first bytes, so that a wrong
 * path to a large file costs nothing.
 */
export async function readPicture(path: string): Promise<Uint8Array> {
  nonEmptyString(path, 'image');
  if (path.includes('\0')) throw invalidRange('a path without null bytes', 'image', path);
  try {
    // Non-blocking: opening a pipe would wait for its writer.
    const file = await open(fileSystemPath(path), constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return await readAll(file, path);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw translate(cause, path);
  }
}

async function readAll(file: FileHandle, path: string): Promise<Uint8Array> {
  const stat = await file.stat();
  if (!stat.isFile()) {
    const found = stat.isDirectory() ? 'a folder' : 'a special file';
    throw new LLM2CLIPError('ERR_IO', `expected a picture at ${path}, found ${found}`);
  }
  const { bytesRead, buffer } = await file.read(
    Buffer.alloc(SIGNATURE_BYTES),
    0,
    SIGNATURE_BYTES,
    0,
  );
  requireFormat(buffer.subarray(0, bytesRead), path);
  return file.readFile();
}

function translate(cause: unknown, path: string): unknown {
  if (cause instanceof LLM2CLIPError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new LLM2CLIPError(
      'ERR_NOT_FOUND',
      `expected a picture at ${path}, found nothing there`,
      {
        cause,
      },
    );
  }
  return new LLM2CLIPError('ERR_IO', `cannot read ${path}: ${message}`, { cause });
}
