import { createHash } from 'node:crypto';
import type { Manifest } from '../bundle/manifest';
import { readManifest } from '../bundle/open';

/** sha256 of what embeddings depend on: the engine's file, and how pictures are prepared for it. */
function digestOf({ files, parts, preprocessing }: Manifest): string {
  const facts = JSON.stringify([files[parts.vision ?? '']?.sha256, preprocessing]);
  return createHash('sha256').update(facts).digest('hex');
}

/** Two bundles of one digest give the same embeddings. Errors as openBundle's. */
export async function bundleDigest(path: string): Promise<string> {
  return digestOf(await readManifest(path));
}
