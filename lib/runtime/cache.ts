import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { LIBTORCH_VERSION, type RuntimeName } from './pins';

/**
 * Where this user's runtimes lie: `LLM2CLIP_CACHE`, else `llm2clip` under `XDG_CACHE_HOME` or
 * `~/.cache`. Not created here.
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.LLM2CLIP_CACHE) return resolve(env.LLM2CLIP_CACHE);
  const base = env.XDG_CACHE_HOME;
  // The XDG specification has relative paths ignored.
  return join(base && isAbsolute(base) ? base : join(homedir(), '.cache'), 'llm2clip');
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
