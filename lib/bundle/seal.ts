import { open, readdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { syncFolder } from '../files/staging';
import { PARTS } from '../parts';
import { digestFile } from './digest';
import { type FileDigest, formatVersionFor, MANIFEST_NAME, type Manifest } from './manifest';
import { tritonConfig } from './triton';

/** The manifest's fields that the maker of a bundle supplies; `seal` adds the others. */
export type BundleContent = Omit<Manifest, 'files' | 'formatVersion'>;

/**
 * Turns a folder of engine files into a bundle. It adds Triton's descriptions for the parts that
 * Triton can serve, and the manifest with the digest of every file. All files are synced to the
 * disk.
 */
export async function seal(
  folder: string,
  content: BundleContent,
  signal: AbortSignal | undefined,
): Promise<Manifest> {
  for (const part of PARTS) {
    const triton = content.parts[part] && tritonConfig(part, content);
    if (triton) await writeFile(join(folder, part, 'config.pbtxt'), triton);
  }
  const files: Record<string, FileDigest> = {};
  for (const name of await filesOf(folder)) {
    signal?.throwIfAborted();
    files[name] = await digestAndSync(join(folder, name), signal);
  }
  const manifest: Manifest = { formatVersion: formatVersionFor(content), ...content, files };
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  await writeFile(join(folder, MANIFEST_NAME), text, { flush: true });
  await syncFolders(folder);
  return manifest;
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

async function digestAndSync(path: string, signal: AbortSignal | undefined): Promise<FileDigest> {
  const file = await open(path, 'r');
  try {
    await file.sync();
    return await digestFile(file, signal);
  } finally {
    await file.close();
  }
}

async function syncFolders(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const inner = entries.filter((entry) => entry.isDirectory());
  for (const entry of inner) await syncFolder(join(entry.parentPath, entry.name));
  await syncFolder(folder);
}
