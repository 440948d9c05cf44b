import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { FileDigest } from './manifest';

/** Bytes to hash per turn of the event loop: about a millisecond of work. */
const PIECE = 1 << 20;

/** Computes the size and sha256 of an open file, from its beginning. */
export async function digestFile(file: FileHandle): Promise<FileDigest> {
  const hash = createHash('sha256');
  const pieces = [Buffer.allocUnsafe(PIECE), Buffer.allocUnsafe(PIECE)] as const;
  let bytes = 0;
  let reading = file.read(pieces[0], 0, PIECE, 0);
  for (let turn = 0; ; turn ^= 1) {
    const { bytesRead, buffer } = await reading;
    if (bytesRead === 0) break;
    bytes += bytesRead;
    // Read the next piece while this one is hashed.
    reading = file.read(pieces[turn === 0 ? 1 : 0], 0, PIECE, bytes);
    hash.update(buffer.subarray(0, bytesRead));
  }
  return { bytes, sha256: hash.digest('hex') };
}
