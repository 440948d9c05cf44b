import { stat } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { LIBTORCH_VERSION, type RuntimeName } from './pins';

/**
 * Returns the folder of this user's runtimes: `LLM2CLIP_CACHE`, or else `llm2clip` under
 * `XDG_CACHE_HOME` or `~/.cache`. The path is always absolute, so that the current folder never
 * decides which libraries are loaded. The folder is not created.
 *
 * @throws LLM2CLIPError ERR_RUNTIME_MISSING for a relative `LLM2CLIP_CACHE`, or without a home
 *   folder
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const { LLM2CLIP_CACHE: named, XDG_CACHE_HOME: base } = env;
  if (named) {
    if (isAbsolute(named)) return named;
    throw new LLM2CLIPError(
      'ERR_RUNTIME_MISSING',
      `expected an absolute path in LLM2CLIP_CACHE, found ${JSON.stringify(named)}; name the whole path`,
    );
  }
  // The XDG specification says that relative paths are ignored.
  if (base && isAbsolute(base)) return join(base, 'llm2clip');
  return join(homeFolder(), '.cache', 'llm2clip');
}

/** Returns `HOME`, or else the home folder that the system has for this user. */
function homeFolder(): string {
  const found = [homedir, () => userInfo().homedir].map((ask) => {
    try {
      return ask();
    } catch {
      return ''; // The system does not know this user.
    }
  });
  const home = found.find(isAbsolute);
  if (home !== undefined) return home;
  throw new LLM2CLIPError(
    'ERR_RUNTIME_MISSING',
    `expected a home folder for the cache of runtimes, found ${JSON.stringify(found[0])}; ` +
      'set LLM2CLIP_CACHE to an absolute path',
  );
}

/**
 * Explains why libraries in a folder of the cache must not be loaded: another user owns the folder
 * or the cache, or may write to it, and so could choose what this process runs. Returns undefined
 * if the folder can be trusted.
 */
export async function distrustOf(folder: string): Promise<string | undefined> {
  for (const path of [cacheFolder(), folder]) {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) continue;
    const { uid, gid, mode } = found;
    const remedy = 'name the folder with LLM2CLIP_LIBTORCH or options.runtime where you trust it';
    if (uid !== 0 && uid !== process.geteuid?.()) {
      return `expected ${path} to be yours, found it owned by user ${uid}; ${remedy}`;
    }
    // Many systems give each user a private group that may write.
    const byGroup = (mode & 0o020) !== 0 && gid !== 0 && gid !== process.getegid?.();
    if (byGroup || (mode & 0o002) !== 0) {
      return `expected ${path} to be written by you alone, found that others may; run: chmod go-w ${path}`;
    }
  }
  return undefined;
}

/** Returns the default target of `runtime install`. Each version has its own folder. */
export function cachedRuntimeFolder(runtime: RuntimeName, version: string): string {
  return join(cacheFolder(), `${runtime}-${version}`);
}

/**
 * Returns the default folder of libtorch. The one for GPUs is separate and contains everything that
 * the CPU needs, so that a process never opens two copies.
 */
export function cachedLibtorchFolder(
  version: string = LIBTORCH_VERSION,
  { cuda = false }: { cuda?: boolean } = {},
): string {
  return cachedRuntimeFolder('libtorch', `${version}${cuda ? '-cuda' : ''}`);
}
