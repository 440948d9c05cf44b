import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Root of this package, as installed: dist's parent. */
export const PACKAGE_ROOT = join(__dirname, '..');

/** This package's own version, e.g. "0.1.0". */
export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8'));
  return (manifest as { version: string }).version;
}
