// Provides libtorch and its headers: an installed one of the right version, or one in this user's
// cache.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ROOT } from '../command.mjs';

const require = createRequire(import.meta.url);

export const libtorch = {
  name: 'libtorch',
  async isDone() {
    return (await findLibtorch()) !== undefined;
  },
  async run() {
    // A folder that the user named is used or rejected, but never silently ignored.
    if (process.env.LLM2CLIP_LIBTORCH) throw await explainRefusal();
    const { cachedLibtorchFolder } = require(join(ROOT, 'dist/runtime/cache.js'));
    const { installLibtorch } = require(join(ROOT, 'dist/runtime/install.js'));
    const { showInstall } = require(join(ROOT, 'dist/cli/runtime.js'));
    const { clearProgress } = require(join(ROOT, 'dist/cli/progress.js'));
    // If libtorch for GPUs is installed, it is the one in use, so this builds against it.
    const cuda = existsSync(cachedLibtorchFolder(undefined, { cuda: true }));
    const options = { headers: true, cuda, onProgress: showInstall };
    await installLibtorch(options).finally(clearProgress);
  },
};

async function explainRefusal() {
  const { locateLibtorch } = require(join(ROOT, 'dist/runtime/locate.js'));
  const { root } = await locateLibtorch();
  return new Error(`expected headers in ${root}/torch/include (LLM2CLIP_LIBTORCH), found none`);
}

/** Returns the libtorch to build against, in the layout that CMakeLists.txt expects. */
export async function findLibtorch() {
  const { locateLibtorch } = require(join(ROOT, 'dist/runtime/locate.js'));
  try {
    const found = await locateLibtorch();
    return found.include === join(found.root, 'torch/include') ? found : undefined;
  } catch {
    return undefined;
  }
}
