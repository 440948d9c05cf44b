import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { attempt } from './byte-source';

/** What a folder may hold, best first; the first kind that is there is taken. */
const KINDS: readonly { what: string; matches: (name: string) => boolean }[] = [
  { what: '*.safetensors.index.json', matches: (n) => n.endsWith('.safetensors.index.json') },
  { what: '*.safetensors', matches: (n) => n.endsWith('.safetensors') },
  { what: '*.pt', matches: (n) => n.endsWith('.pt') },
  { what: 'pytorch_model.bin', matches: (n) => n === 'pytorch_model.bin' },
];

/**
 * The checkpoint's file: `path` itself, or the one that a folder holds.
 *
 * @throws {LLM2CLIPError} ERR_NOT_FOUND, ERR_IO, ERR_CHECKPOINT_UNSUPPORTED where a folder holds several
 */
export function locateCheckpoint(path: string): string {
  const file = resolve(path);
  if (!attempt(path, () => statSync(file)).isDirectory()) return file;
  const names = attempt(path, () => readdirSync(file)).sort();
  for (const { what, matches } of KINDS) {
    const [name, ...more] = names.filter(matches);
    if (name === undefined) continue;
    if (more.length === 0) return join(file, name);
    throw new LLM2CLIPError(
      'ERR_CHECKPOINT_UNSUPPORTED',
      `${path} holds ${more.length + 1} files of the kind ${what} (${name}, ${more[0]}` +
        `${more.length > 1 ? ', …' : ''}); name the one to convert`,
    );
  }
  throw new LLM2CLIPError(
    'ERR_NOT_FOUND',
    `${path} holds no checkpoint; expected ${KINDS.map(({ what }) => what).join(', ')}`,
  );
}

/** Those of `names` that lie in the same folder as `file`. */
export function besideCheckpoint(file: string, names: readonly string[]): string[] {
  return names.map((name) => join(dirname(file), name)).filter((path) => existsSync(path));
}
