import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Root of this package, as installed: dist's parent. */
export const PACKAGE_ROOT =
  // Not there in an ES module that a bundler made.
  typeof __dirname === 'string' ? join(__dirname, '..') : process.cwd();

/** Whether the files of this package lie around a folder: not where a bundler has taken its code out. */
export function isPackage(folder: string): boolean {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return (manifest as { name?: unknown } | null)?.name === 'llm2clip';
  } catch {
    return false;
  }
}

/** This package's own version, e.g. "0.1.0". */
export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8'));
  return (manifest as { version: string }).version;
}
