import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { isPackage, PACKAGE_ROOT } from '../package-version';
import { unpackedTwin } from './asar';

const REINSTALL = 'reinstall llm2clip, or in a clone of the project run: npm run setup';
const LEAVE_OUT =
  'a bundler has taken its code out of the package: leave llm2clip out of the bundle ' +
  '(external: ["llm2clip"]; README, In a bundle)';

/**
 * Absolute path of the addon: the local build, else the prebuilt binary for this platform.
 *
 * @throws ERR_RUNTIME_MISSING where there is neither.
 */
export function locateAddon(packageRoot: string = PACKAGE_ROOT): string {
  try {
    const build = require('node-gyp-build') as { path(folder: string): string };
    const path = build.path(packageRoot);
    // Another package's, where a bundler has put this code into that one.
    if (basename(path).includes('llm2clip') || isPackage(packageRoot)) return preferUnpacked(path);
    throw new Error(`${path} is not of llm2clip`);
  } catch (cause) {
    throw new LLM2CLIPError(
      'ERR_RUNTIME_MISSING',
      `expected the llm2clip addon for ${process.platform}-${process.arch} in ${packageRoot}, found none; ` +
        (isPackage(packageRoot) ? REINSTALL : LEAVE_OUT),
      { cause },
    );
  }
}

/**
 * Absolute path of an engine's plugin, which lies beside the addon.
 *
 * @throws ERR_RUNTIME_MISSING where it is not there.
 * @example locatePlugin('torchscript') // '/…/prebuilds/linux-x64/llm2clip_torchscript.so'
 */
export function locatePlugin(name: string, packageRoot: string = PACKAGE_ROOT): string {
  const path = join(dirname(locateAddon(packageRoot)), `llm2clip_${name}.so`);
  if (existsSync(path)) return path;
  throw new LLM2CLIPError(
    'ERR_RUNTIME_MISSING',
    `expected the ${name} engine at ${path}, found none; ` +
      'reinstall llm2clip, or in a clone of the project run: npm run setup',
  );
}

/**
 * Absolute path of what the TorchScript engine runs on GPUs with, which it opens from beside itself;
 * undefined in a build without CUDA's compiler.
 */
export function locateCudaOperators(): string | undefined {
  const path = join(dirname(locateAddon()), 'llm2clip_torchscript_cuda.so');
  return existsSync(path) ? path : undefined;
}

/** Electron copies an addon out of its archive by itself, but never what lies beside it. */
function preferUnpacked(path: string): string {
  const twin = unpackedTwin(path);
  return twin !== path && existsSync(twin) ? twin : path;
}
