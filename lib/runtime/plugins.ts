import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { LLM2CLIPError } from '../errors';
import { isPackage, PACKAGE_ROOT } from '../package-version';
import { unpackedTwin } from './asar';

const REINSTALL = 'reinstall llm2clip, or in a clone of the project run: npm run setup';
const LEAVE_OUT =
  'a bundler has taken its code out of the package: leave llm2clip out of the bundle ' +
  '(external: ["llm2clip"]; README, With a bundler)';

/**
 * Returns the absolute path of the addon: the local build, or else the prebuilt one for this
 * platform.
 *
 * @throws LLM2CLIPError ERR_RUNTIME_MISSING if there is neither
 */
export function locateAddon(packageRoot: string = PACKAGE_ROOT): string {
  try {
    const build = require('node-gyp-build') as { path(folder: string): string };
    const path = build.path(packageRoot);
    // The path may belong to another package, if a bundler has put this code into it.
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
 * Returns the absolute path of an engine's plugin, which is beside the addon.
 *
 * @throws LLM2CLIPError ERR_RUNTIME_MISSING if it is not there
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
 * Returns the absolute path of the CUDA operators, which the TorchScript engine opens from beside
 * itself. Returns undefined in a build without them.
 */
export function locateCudaOperators(): string | undefined {
  const path = join(dirname(locateAddon()), 'llm2clip_torchscript_cuda.so');
  return existsSync(path) ? path : undefined;
}

/**
 * Prefers the unpacked file: Electron extracts an addon from its archive, but not the files beside
 * it.
 */
function preferUnpacked(path: string): string {
  const twin = unpackedTwin(path);
  return twin !== path && existsSync(twin) ? twin : path;
}
