// Skips a step when its inputs have not changed since it last succeeded.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './command.mjs';

const FOLDER = join(ROOT, 'build/stamps');

/**
 * Returns a digest of files, of whole folders (paths relative to the project's root), and of
 * further texts.
 */
export function digest(paths, ...texts) {
  const hash = createHash('sha256');
  for (const file of paths.flatMap(filesIn).sort()) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(ROOT, file)))
      .update('\0');
  }
  for (const text of texts) hash.update(`${text}\0`);
  return hash.digest('hex');
}

function filesIn(path) {
  const status = statSync(join(ROOT, path), { throwIfNoEntry: false });
  if (!status) return [];
  if (!status.isDirectory()) return [path];
  return readdirSync(join(ROOT, path)).flatMap((name) => filesIn(`${path}/${name}`));
}

export function isStamped(step, value) {
  try {
    return readFileSync(join(FOLDER, step), 'utf8') === value;
  } catch {
    return false;
  }
}

export function stamp(step, value) {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, step), value);
}
