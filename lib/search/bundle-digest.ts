import { createHash } from 'node:crypto';
import type { Manifest } from '../bundle/manifest';
import { readManifest } from '../bundle/open';

/**
 * Returns the sha256 of everything that image embeddings depend on: the engine and preprocessing.
 */
function digestOf({ files, parts, preprocessing }: Manifest): string {
  const facts = JSON.stringify([files[parts.vision ?? '']?.sha256, preprocessing]);
  return createHash('sha256').update(facts).digest('hex');
}

/**
 * Returns a digest that is equal for bundles with equal image embeddings. It throws as
 * `openBundle`.
 */
export async function bundleDigest(path: string): Promise<string> {
  return digestOf(await readManifest(path));
}
