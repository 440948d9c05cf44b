import { constants, type FileHandle, open, stat } from 'node:fs/promises';
import { isObject } from '../arguments';
import { LLM2CLIPError } from '../errors';
import { AtomicFile } from '../files/atomic-file';
import type { VectorFormat } from './vector-format';
import {
  HEADER_BYTES,
  headerOf,
  type OnRecord,
  otherFile,
  parseRecords,
  recordOf,
} from './vector-records';

// Several processes and threads may append to a file of text vectors and replace it at the same
// time. Records are appended by a single write with O_APPEND, which the system does not interleave
// with others. Readers skip the remains of a write that was cut short. The functions throw ERR_IO,
// also for a file of another bundle, which is left unchanged, or what the file system throws.

/** Bytes to check per turn of the event loop: about a millisecond of work. */
const PIECE = 1 << 18;

/**
 * Reads the valid records among the last `most` bytes, oldest first. If there is no file, it
 * creates one.
 */
export async function readVectorFile(
  path: string,
  format: VectorFormat,
  most: number,
  onRecord: OnRecord,
): Promise<void> {
  await withFile(path, constants.O_RDONLY, format, async (file, size) => {
    const piece = Buffer.allocUnsafe(PIECE);
    let rest: Buffer = Buffer.alloc(0);
    for (let at = Math.max(HEADER_BYTES, size - most); at < size; ) {
      const { bytesRead } = await file.read(piece, 0, PIECE, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      const bytes = Buffer.concat([rest, piece.subarray(0, bytesRead)]);
      rest = bytes.subarray(parseRecords(bytes, format.dim, onRecord));
    }
  });
}

/** Appends records. Returns the size of the file afterwards, not counting what others append. */
export async function appendToVectorFile(
  path: string,
  format: VectorFormat,
  records: Buffer,
): Promise<number> {
  const flags = constants.O_RDWR | constants.O_APPEND;
  return withFile(path, flags, format, async (file, size) => {
    const { bytesWritten } = await file.write(records);
    if (bytesWritten === records.length) return size + bytesWritten;
    const found = `${bytesWritten} of ${records.length} bytes`;
    throw new LLM2CLIPError('ERR_IO', `expected ${path} to take what is written, it took ${found}`);
  });
}

/** Writes a whole file and replaces the old one atomically. */
export async function writeVectorFile(
  path: string,
  format: VectorFormat,
  vectors: Iterable<readonly [key: string, vector: Float32Array]>,
): Promise<void> {
  const file = await AtomicFile.create(path);
  try {
    await file.append(headerOf(format));
    for (const [key, vector] of vectors) await file.append(recordOf(key, vector));
    await file.commit();
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/**
 * Opens the file for one operation. It is not kept open, so that a file replaced by another process
 * is noticed.
 */
async function withFile<T>(
  path: string,
  flags: number,
  format: VectorFormat,
  body: (file: FileHandle, size: number) => Promise<T>,
): Promise<T> {
  if (await isMissing(path)) await writeVectorFile(path, format, []);
  const file = await open(path, flags);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), { position: 0 });
    const other = otherFile(buffer.subarray(0, bytesRead), format);
    if (other === undefined) return await body(file, (await file.stat()).size);
    throw new LLM2CLIPError('ERR_IO', `the file is ${other}; delete it or name another`);
  } finally {
    await file.close();
  }
}

/** Whether the file is missing or empty, as mktemp creates it. */
async function isMissing(path: string): Promise<boolean> {
  try {
    const found = await stat(path);
    if (found.isFile()) return found.size === 0;
  } catch (error) {
    if (isObject(error) && error.code === 'ENOENT') return true;
    throw error;
  }
  throw new LLM2CLIPError('ERR_IO', `expected a file at ${path}, found something else`);
}
