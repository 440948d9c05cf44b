import { readlink } from 'node:fs/promises';
import { fileSystemPath } from './path-bytes';

/**
 * Where the hub's cache keeps the content of a snapshot's files: in a folder `blobs` further out, by
 * its digest. No other link is followed, so that none leads to files of anyone's choosing.
 */
const BLOB = /^(?:\.\.\/)+blobs\/[0-9a-f]{40,64}$/;

/** The target of a link into a folder `blobs`; undefined for any other, and for what is no link. */
export async function blobOf(link: string): Promise<string | undefined> {
  const target = await readlink(fileSystemPath(link)).catch(() => '');
  return BLOB.test(target) ? target : undefined;
}
