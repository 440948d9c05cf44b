// Checks the format of the C++ files, or with -i corrects it. Everybody uses the same pinned
// clang-format.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { attach, capture, ROOT } from './command.mjs';

const VERSION = '19.1.7';
const FOLDERS = ['binding', 'csrc', 'test'];
const SOURCE = /\.(h|cpp|cu|cuh)$/;

/** Returns every C++ file of the project, relative to its root. */
export function listSources() {
  return FOLDERS.flatMap((folder) =>
    existsSync(join(ROOT, folder))
      ? readdirSync(join(ROOT, folder), { recursive: true }).map((name) => join(folder, name))
      : [],
  ).filter((path) => SOURCE.test(path));
}

/**
 * Returns the path of the pinned program. If it is missing, it is installed into this user's cache.
 */
export async function findClangFormat() {
  const folder = join(cacheFolder(), `clang-format-${VERSION}`);
  if (!existsSync(folder)) await install(folder);
  return join(folder, 'clang_format/data/bin/clang-format');
}

/**
 * Installs into a temporary folder and renames it, so that the final folder is either complete or
 * absent.
 */
async function install(folder) {
  mkdirSync(cacheFolder(), { recursive: true });
  const staging = mkdtempSync(`${folder}.`);
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--only-binary=:all:'];
  await capture('python3', [...pip, '--target', staging, `clang-format==${VERSION}`]);
  try {
    renameSync(staging, folder);
  } catch (error) {
    // Another process was faster.
    rmSync(staging, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
}

/** The same folder as in lib/runtime/cache.ts, which may not be compiled yet. */
function cacheFolder() {
  const { LLM2CLIP_CACHE, XDG_CACHE_HOME } = process.env;
  if (LLM2CLIP_CACHE) return LLM2CLIP_CACHE;
  const isUsable = XDG_CACHE_HOME && isAbsolute(XDG_CACHE_HOME);
  return join(isUsable ? XDG_CACHE_HOME : join(homedir(), '.cache'), 'llm2clip');
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const mode = process.argv.includes('-i') ? ['-i'] : ['--dry-run', '-Werror'];
  process.exitCode = await attach(await findClangFormat(), [...mode, ...listSources()]);
}
