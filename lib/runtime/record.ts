import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RUNTIMES } from './pins';

/** `runtime.json`, which `runtime install` writes last, so that a folder with one was complete. */
export interface RuntimeRecord {
  formatVersion: 1;
  /** Version of the library in this folder, under the library's name. */
  libtorch?: string;
  'tensorrt-rtx'?: string;
  packages: { name: string; version: string; sha256: string }[];
  /** The libraries; headers are not listed one by one. */
  files: { path: string; bytes: number; sha256: string }[];
  headers: boolean;
}

export const RECORD_NAME = 'runtime.json';

/** Reads the record in `folder`. Returns undefined if there is no readable one. */
export async function readRecord(folder: string): Promise<RuntimeRecord | undefined> {
  try {
    const record: unknown = JSON.parse(await readFile(join(folder, RECORD_NAME), 'utf8'));
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Describes the first listed file that is missing or has another size. Returns undefined if all
 * match.
 */
export async function findDamage(
  folder: string,
  record: RuntimeRecord,
): Promise<string | undefined> {
  for (const file of record.files) {
    const bytes = await fileSize(join(folder, file.path));
    if (bytes !== file.bytes) {
      const found = bytes === undefined ? 'none' : `${bytes} bytes`;
      return `expected ${file.path} of ${file.bytes} bytes, found ${found}`;
    }
  }
  return undefined;
}

/** Returns the size of a file in bytes, or undefined if it does not exist. */
export async function fileSize(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is RuntimeRecord {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Partial<RuntimeRecord>;
  return (
    record.formatVersion === 1 &&
    RUNTIMES.some((runtime) => typeof record[runtime] === 'string') &&
    typeof record.headers === 'boolean' &&
    Array.isArray(record.files) &&
    record.files.every((file) => typeof file?.path === 'string' && typeof file.bytes === 'number')
  );
}
