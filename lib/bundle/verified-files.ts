// Remembers the digests of large files that were hashed before, so that a bundle that did not
// change loads without reading all of it again. The record is one file in the user's cache. It only
// saves work: without it, or when it cannot be written, files are hashed.
import { randomBytes } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject } from '../arguments';
import { cacheFolder, distrustOf } from '../runtime/cache';

const VERSION = 1;

/** Number of files that are remembered. */
const MOST = 256;

/** Largest record that is read, far more than MOST files need. */
const LARGEST = 1 << 20;

/**
 * A file that changed less than this before it was hashed is not remembered: file systems count
 * time in steps, so a further change might not show in its times.
 */
const SETTLED_MS = 2000;

/** Identifies a file and its content: any write changes the time of its last change. */
export function identityOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

function recordPath(): string {
  return join(cacheFolder(), 'verified-files.json');
}

/** Digests by identity; the file that was hashed last comes last. */
async function readRecord(): Promise<Map<string, string>> {
  if ((await distrustOf(cacheFolder())) !== undefined) return new Map();
  const text = await readFile(recordPath(), 'utf8');
  const record: unknown = text.length > LARGEST ? undefined : JSON.parse(text);
  if (!isObject(record) || record.version !== VERSION || !isObject(record.files)) {
    return new Map();
  }
  return new Map(
    Object.entries(record.files).filter(
      (entry): entry is [string, string] =>
        typeof entry[1] === 'string' && /^[0-9a-f]{64}$/.test(entry[1]),
    ),
  );
}

/** Returns the sha256 of the file with this identity, if it was hashed before. */
export async function knownDigest(identity: string): Promise<string | undefined> {
  const record = await readRecord().catch(() => undefined);
  return record?.get(identity);
}

/** Remembers the sha256 of a file that did not change while it was hashed. */
export async function rememberDigest(stats: BigIntStats, sha256: string): Promise<void> {
  if (Date.now() - Number(stats.ctimeMs) < SETTLED_MS) return;
  let temporary: string | undefined;
  try {
    const path = recordPath();
    if ((await distrustOf(cacheFolder())) !== undefined) return;
    temporary = `${path}.tmp-${process.pid}-${randomBytes(4).toString('hex')}`;
    const record = await readRecord().catch(() => new Map<string, string>());
    record.delete(identityOf(stats));
    record.set(identityOf(stats), sha256);
    const files = Object.fromEntries([...record].slice(-MOST));
    await mkdir(cacheFolder(), { recursive: true });
    await writeFile(temporary, JSON.stringify({ version: VERSION, files }), { flag: 'wx' });
    await rename(temporary, path);
  } catch {
    if (temporary !== undefined) await rm(temporary, { force: true }).catch(() => {});
  }
}
