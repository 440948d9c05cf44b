import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { askWorker } from '../async/ask-worker';
import type { FileDigest } from './manifest';

/** Bytes to hash per turn of the event loop: about a millisecond of work. */
const PIECE = 1 << 20;

/**
 * A larger file is hashed on a thread of its own; a smaller one is hashed before that thread
 * starts.
 */
export const HASHED_HERE = 32 << 20;

/** Node's permission model, if it is on. The types do not declare it. */
const { permission } = process as { permission?: { has(scope: string): boolean } };

/** The request to the thread that hashes: the descriptor of an open file of this process. */
export interface DigestRequest {
  descriptor: number;
}

/**
 * Computes the size and sha256 of an open file, from its beginning. A large file is hashed on a
 * thread of its own, if Node allows this process to start one.
 *
 * @throws `signal.reason` if the signal is aborted while that thread hashes
 */
export async function digestFile(file: FileHandle, signal?: AbortSignal): Promise<FileDigest> {
  const { size } = await file.stat();
  if (size <= HASHED_HERE || permission?.has('worker') === false) return digestHere(file);
  const request: DigestRequest = { descriptor: file.fd };
  const script = join(__dirname, 'digest-worker.js');
  return askWorker<DigestRequest, FileDigest>(script, request, 'hashes a file', signal);
}

async function digestHere(file: FileHandle): Promise<FileDigest> {
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

/** Computes the same synchronously. It must run on a thread that has no other work. */
export function digestOf(descriptor: number): FileDigest {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(PIECE);
  let bytes = 0;
  for (;;) {
    const count = readSync(descriptor, piece, 0, PIECE, bytes);
    if (count === 0) return { bytes, sha256: hash.digest('hex') };
    bytes += count;
    hash.update(piece.subarray(0, count));
  }
}
