import type { FileHandle } from 'node:fs/promises';
import { invalidRange, nonEmptyString } from '../arguments';
import { fileError, openRegularFile } from '../files/regular-file';
import { requireFormat, SIGNATURE_BYTES } from './format';

/**
 * Reads an image file. It checks the format in the first bytes before it reads the rest, so that a
 * wrong path to a large file costs little.
 */
export async function readImage(path: string): Promise<Uint8Array> {
  nonEmptyString(path, 'image');
  if (path.includes('\0')) throw invalidRange('a path without null bytes', 'image', path);
  const file = await openRegularFile(path, 'an image');
  try {
    return await readAll(file, path);
  } catch (error) {
    throw fileError(path, error, 'an image');
  } finally {
    await file.close();
  }
}

async function readAll(file: FileHandle, path: string): Promise<Uint8Array> {
  const { bytesRead, buffer } = await file.read(
    Buffer.alloc(SIGNATURE_BYTES),
    0,
    SIGNATURE_BYTES,
    0,
  );
  requireFormat(buffer.subarray(0, bytesRead), path);
  return file.readFile();
}
