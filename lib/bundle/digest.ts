import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { FileDigest } from './manifest';

/** Hashed between two turns of the event loop: about a millisecond's work. */
const PIECE = 1 << 20;

/** Size and sha256 of an open file, read from its beginning. */
export async function digestFile(file: FileHandle): Promise<FileDigest> {
  const hash = createHash('sha256');
  const pieces = [Buffer.allocUnsafe(PIECE), Buffer.allocUnsafe(PIECE)] as const;
  let bytes = 0;
  let reading = file.read(pieces[0], 0, PIECE, 0);
  for (let turn = 0; ; turn ^= 1) {
    const { bytesRead, buffer } = await reading;
    if (bytesRead === 0) break;
    bytes += bytesRead;
    // The next piece is read while this one is hashed.
    reading = file.read(pieces[turn === 0 ? 1 : 0], 0, PIECE, bytes);
    hash.update(buffer.subarray(0, bytesRead));
  }
  return { bytes, sha256: hash.digest('hex') };
}
