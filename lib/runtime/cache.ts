import { stat } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { LIBTORCH_VERSION, type RuntimeName } from './pins';

/**
 * Where this user's runtimes lie: `LLM2CLIP_CACHE`, else `llm2clip` under `XDG_CACHE_HOME` or
 * `~/.cache`. Always absolute: libraries are never taken from wherever a process was started. Not
 * created here.
 *
 * @throws LLM2CLIPError ERR_RUNTIME_MISSING for a relative `LLM2CLIP_CACHE`, or without a home folder
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
  // The XDG specification has relative paths ignored.
  if (base && isAbsolute(base)) return join(base, 'llm2clip');
  return join(homeFolder(), '.cache', 'llm2clip');
}

/** `HOME`, else what the system has for this user. */
function homeFolder(): string {
  const found = [homedir, () => userInfo().homedir].map((ask) => {
    try {
      return ask();
    } catch {
      return ''; // a user that the system does not know
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
 * Why libraries are not taken from a folder of the cache: another user owns it or the cache around
 * it, or may write there and so choose what this process runs. Undefined where all is well.
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
    // Many systems give each user a group of their own and let it write.
    const byGroup = (mode & 0o020) !== 0 && gid !== 0 && gid !== process.getegid?.();
    if (byGroup || (mode & 0o002) !== 0) {
      return `expected ${path} to be written by you alone, found that others may; run: chmod go-w ${path}`;
    }
  }
  return undefined;
}

/** The folder `runtime install` fills by default; one a version, so that versions never mix. */
export function cachedRuntimeFolder(runtime: RuntimeName, version: string): string {
  return join(cacheFolder(), `${runtime}-${version}`);
}

/**
 * That of libtorch. What is for GPUs lies in one of its own, with all that the CPU needs: a process
 * never opens two copies.
 */
export function cachedLibtorchFolder(
  version: string = LIBTORCH_VERSION,
  { cuda = false }: { cuda?: boolean } = {},
): string {
  return cachedRuntimeFolder('libtorch', `${version}${cuda ? '-cuda' : ''}`);
}
