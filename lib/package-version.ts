import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Root folder of the installed package, the parent of dist. */
export const PACKAGE_ROOT =
  // A bundler's ES module has no __dirname.
  typeof __dirname === 'string' ? join(__dirname, '..') : process.cwd();

/**
 * Whether a folder is the root of this package. It is not if a bundler has moved the code
 * elsewhere.
 */
export function isPackage(folder: string): boolean {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return (manifest as { name?: unknown } | null)?.name === 'llm2clip';
  } catch {
    return false;
  }
}

/** Returns this package's version, e.g. "0.1.0". */
export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8'));
  return (manifest as { version: string }).version;
}
