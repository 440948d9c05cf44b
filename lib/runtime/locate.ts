import { resolve } from 'node:path';
import { type ErrorCode, LLM2CLIPError } from '../errors';
import { unpackedTwin } from './asar';
import { cachedLibtorchFolder, distrustOf } from './cache';
import { LIBTORCH_CUDA_PINS } from './cuda-pins';
import { isVersion, type LibtorchFolder, readLibtorchFolder } from './libtorch-folder';
import { LIBTORCH_PINS, LIBTORCH_VERSION } from './pins';
import { findPythonTorch } from './python';
import { fileSize } from './record';

/** Places to search for libtorch, in this order. */
export const RUNTIME_SOURCES = ['option', 'env', 'cache', 'python'] as const;
export type RuntimeSource = (typeof RUNTIME_SOURCES)[number];

/** A libtorch of the right version that can be opened. */
export interface Libtorch extends LibtorchFolder {
  source: RuntimeSource;
}

/** A place that was searched: the libtorch there, or the reason why it cannot be used. */
export interface RuntimeCandidate {
  source: RuntimeSource;
  folder?: string;
  found?: Libtorch;
  problem?: string;
  /** Error code of the problem if the caller named this place. */
  code?: ErrorCode;
}

/** Command that installs a missing runtime. */
export const INSTALL_COMMAND = LIBTORCH_PINS.command;
export const INSTALL_CUDA_COMMAND = LIBTORCH_CUDA_PINS.command;

/**
 * Finds libtorch. It searches the option `runtime`, the folder in `LLM2CLIP_LIBTORCH`, this user's
 * cache and the torch of `python3`. A folder that the caller names is used or refused, but never
 * skipped.
 *
 * @param pythonMs Time limit for `python3`, in milliseconds.
 * @throws LLM2CLIPError ERR_RUNTIME_MISSING if there is none, ERR_ENGINE_INCOMPATIBLE if the named
 *   folder holds another version
 * @example
 * const { libraries } = await locateLibtorch();
 * await native.openEngine(locatePlugin('torchscript'), libraries);
 */
export async function locateLibtorch(
  options: { runtime?: string } = {},
  pythonMs?: number,
): Promise<Libtorch> {
  const problems: string[] = [];
  for await (const candidate of runtimeCandidates(options, pythonMs)) {
    if (candidate.found) return candidate.found;
    const { source, problem = '', code = 'ERR_RUNTIME_MISSING' } = candidate;
    if (source === 'option' || source === 'env') throw new LLM2CLIPError(code, problem);
    problems.push(problem);
  }
  throw new LLM2CLIPError(
    'ERR_RUNTIME_MISSING',
    `expected libtorch ${LIBTORCH_VERSION}, found none (${problems.join('; ')}); run: ${INSTALL_COMMAND}`,
  );
}

/** Yields every place in order. Each is searched only when it is requested. */
export async function* runtimeCandidates(
  options: { runtime?: string } = {},
  pythonMs?: number,
): AsyncGenerator<RuntimeCandidate> {
  if (options.runtime !== undefined) yield inspect('option', options.runtime);
  const env = process.env.LLM2CLIP_LIBTORCH;
  if (env) yield inspect('env', env);
  yield inspectCache();
  yield inspectPython(pythonMs);
}

async function inspect(source: RuntimeSource, folder: string): Promise<RuntimeCandidate> {
  const real = unpackedTwin(resolve(folder));
  const content = await readLibtorchFolder(real);
  if (typeof content === 'string') {
    const problem = `expected libtorch ${LIBTORCH_VERSION}, found ${content}; run: ${installInto(source, real)}`;
    return { source, folder: real, problem, code: 'ERR_RUNTIME_MISSING' };
  }
  if (isVersion(content.version, LIBTORCH_VERSION)) {
    return { source, folder: real, found: { ...content, source } };
  }
  const problem = `expected libtorch ${LIBTORCH_VERSION}, found ${content.version} in ${real}; name another folder or run: ${installInto(source, `${real}-${LIBTORCH_VERSION}`)}`;
  return { source, folder: real, problem, code: 'ERR_ENGINE_INCOMPATIBLE' };
}

function installInto(source: RuntimeSource, folder: string): string {
  const named = source === 'option' || source === 'env';
  return named ? `${INSTALL_COMMAND} --target ${folder}` : INSTALL_COMMAND;
}

async function inspectCache(): Promise<RuntimeCandidate> {
  try {
    return await lookIntoCache();
  } catch (error) {
    if (!(error instanceof LLM2CLIPError)) throw error;
    return { source: 'cache', problem: error.message };
  }
}

async function lookIntoCache(): Promise<RuntimeCandidate> {
  const forGpus = cachedLibtorchFolder(LIBTORCH_VERSION, { cuda: true });
  const folder = (await fileSize(forGpus)) === undefined ? cachedLibtorchFolder() : forGpus;
  if ((await fileSize(folder)) === undefined) {
    return { source: 'cache', folder, problem: `no ${folder}` };
  }
  const problem = await distrustOf(folder);
  if (problem !== undefined) return { source: 'cache', folder, problem };
  return inspect('cache', folder);
}

async function inspectPython(timeoutMs?: number): Promise<RuntimeCandidate> {
  const torch = await findPythonTorch(timeoutMs);
  if (typeof torch === 'string') return { source: 'python', problem: torch };
  const { folder, version } = torch;
  if (isVersion(version, LIBTORCH_VERSION)) return inspect('python', folder);
  return { source: 'python', folder, problem: `python3 has torch ${version}` };
}
