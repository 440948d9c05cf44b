import { readlink } from 'node:fs/promises';
import { fileSystemPath } from './path-bytes';

/**
 * The links in a snapshot of the Hugging Face cache: they point to a file in a folder `blobs`
 * further up, named by its digest. Other links are not followed, so that a checkpoint cannot point
 * to arbitrary files.
 */
const BLOB = /^(?:\.\.\/)+blobs\/[0-9a-f]{40,64}$/;

/**
 * Returns the target of a link into a folder `blobs`, or undefined for other links and other files.
 */
export async function blobOf(link: string): Promise<string | undefined> {
  const target = await readlink(fileSystemPath(link)).catch(() => '');
  return BLOB.test(target) ? target : undefined;
}
