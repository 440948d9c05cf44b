// Checks the tarball that npm would publish as its importers see it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { capture } from '../command.mjs';

/** Packs the project, passes the tarball's path to `use`, and removes the tarball afterwards. */
export async function withTarball(use) {
  const folder = mkdtempSync(join(tmpdir(), 'llm2clip-pack-'));
  try {
    const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
    const output = await capture('npm', pack, { stdio: ['ignore', 'pipe', 'ignore'] });
    const [{ filename }] = Object.values(JSON.parse(output));
    return await use(join(folder, filename));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function publint(tarball) {
  return capture('node_modules/.bin/publint', [tarball, '--strict']);
}

/** Runs attw, "are the types wrong?", on the tarball. */
export function attw(tarball) {
  return capture('node_modules/.bin/attw', [tarball, '--no-emoji']);
}
