import { resolve } from 'node:path';
import { type ErrorCode, LLM2CLIPError } from '../errors';
import { unpackedTwin } from './asar';
import { cachedLibtorchFolder, distrustOf } from './cache';
import { LIBTORCH_CUDA_PINS } from './cuda-pins';
import { isVersion, type LibtorchFolder, readLibtorchFolder } from './libtorch-folder';
import { LIBTORCH_PINS, LIBTORCH_VERSION } from './pins';
import { findPythonTorch } from './python';
import { fileSize } from './record';

/** Where libtorch is looked for, in this order. */
export const RUNTIME_SOURCES = ['option', 'env', 'cache', 'python'] as const;
export type RuntimeSource = (typeof RUNTIME_SOURCES)[number];

/** A libtorch of the right version, ready to be opened. */
export interface Libtorch extends LibtorchFolder {
  source: RuntimeSource;
}

/** One place that was looked at: what is there, or why it cannot be used. */
export interface RuntimeCandidate {
  source: RuntimeSource;
  folder?: string;
  found?: Libtorch;
  problem?: string;
  /** What the problem is called when this place was asked for explicitly. */
  code?: ErrorCode;
}

/** The command that mends a missing runtime. */
export const INSTALL_COMMAND = LIBTORCH_PINS.command;
export const INSTALL_CUDA_COMMAND = LIBTORCH_CUDA_PINS.command;

/**
 * Finds libtorch: the `runtime` folder given, `LLM2CLIP_LIBTORCH`, this user's cache, the torch of
 * `python3`. A folder named explicitly is taken or refused, never passed over.
 *
 * @param pythonMs How long `python3` may take to answer.
 * @throws ERR_RUNTIME_MISSING where there is none, ERR_ENGINE_INCOMPATIBLE where the folder named
 * explicitly holds another version.
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

/** Every place in its order, each looked at only when it is asked for. */
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
