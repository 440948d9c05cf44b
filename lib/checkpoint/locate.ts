import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { attempt } from './byte-source';

interface Kind {
  what: string;
  matches: (name: string) => boolean;
}

const named = (name: string): Kind => ({ what: name, matches: (found) => found === name });
const ending = (end: string): Kind => ({ what: `*${end}`, matches: (name) => name.endsWith(end) });

/**
 * Kinds of checkpoint files, best first. The first kind in a folder is used. As in transformers, a
 * whole file takes precedence over an index, which must be from an earlier save.
 */
const KINDS: readonly Kind[] = [
  ...['model.safetensors', 'model.safetensors.index.json'].map(named),
  ...['.safetensors.index.json', '.safetensors', '.pt'].map(ending),
  ...['pytorch_model.bin', 'pytorch_model.bin.index.json'].map(named),
  ...['.bin.index.json', '.bin', '.pth', '.ckpt'].map(ending),
];

/** Files of training state that trainers save beside the weights. */
const TRAINING_STATE =
  /^(optimizer|scheduler|scaler|sampler|rng_state|random_states|training_args|trainer_state)([_.-].*)?\.(pt|pth|bin|safetensors)$/;

/**
 * Returns the checkpoint's file: `path` itself, or the file in the folder `path`.
 *
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO; ERR_CHECKPOINT_UNSUPPORTED if a folder holds several
 */
export function locateCheckpoint(path: string): string {
  const file = resolve(path);
  if (!attempt(path, () => statSync(file)).isDirectory()) return file;
  const names = attempt(path, () => readdirSync(file))
    .filter(mayBeWeights)
    .sort();
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

/**
 * Whether a file may hold weights. Names that begin with a dot are hidden files, e.g. macOS's
 * `._*`.
 */
function mayBeWeights(name: string): boolean {
  return !name.startsWith('.') && !TRAINING_STATE.test(name);
}

/** Returns the paths of those `names` that exist in the folder of `file`. */
export function besideCheckpoint(file: string, names: readonly string[]): string[] {
  return names.map((name) => join(dirname(file), name)).filter((path) => existsSync(path));
}
