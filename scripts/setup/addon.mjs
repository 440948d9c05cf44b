// The addon and its plugins, through cmake-js.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { capture, ROOT, which } from '../command.mjs';
import { digest, isStamped, stamp } from '../stamp.mjs';
import { COMPILER } from '../toolchain.mjs';
import { findNvcc } from './cuda-toolkit.mjs';
import { findLibtorch } from './libtorch.mjs';
import { findTensorrtHeaders } from './tensorrt.mjs';

const CACHE = join(ROOT, 'build/CMakeCache.txt');
const SOURCES = ['CMakeLists.txt', 'csrc', 'binding', 'node_modules/node-addon-api/package.json'];

export const addon = {
  name: 'addon and engines',
  async isDone() {
    const built = outputs().every((path) => existsSync(join(ROOT, path)));
    return built && isStamped('addon', inputs(await findLibtorch(), await findNvcc()));
  },
  async run() {
    const libtorch = await findLibtorch();
    const nvcc = await findNvcc();
    const value = inputs(libtorch, nvcc);
    const generator = which('ninja') ? 'Ninja' : 'Unix Makefiles';
    forgetOtherConfiguration(generator);
    // Half of the cores: one of torch's headers takes the compiler a gigabyte.
    const jobs = Math.max(2, Math.floor(availableParallelism() / 2));
    const headers = findTensorrtHeaders();
    const options = [
      `--CDLIBTORCH_ROOT=${libtorch.root}`,
      `--CDTENSORRT_INCLUDE=${headers.tensorrt ?? ''}`,
      `--CDTENSORRT_RTX_INCLUDE=${headers.tensorrtRtx ?? ''}`,
      // Empty rather than absent: CMake remembers.
      `--CDLLM2CLIP_NVCC=${nvcc ?? ''}`,
    ];
    if (which('ccache')) options.push('--CDCMAKE_CXX_COMPILER_LAUNCHER=ccache');
    const cmakeJs = [
      'node_modules/cmake-js/bin/cmake-js',
      '-l',
      'error',
      '-G',
      generator,
      '-p',
      `${jobs}`,
    ];
    const env = { ...process.env, CXX: COMPILER };
    for (const command of ['configure', 'build']) {
      await capture(process.execPath, [...cmakeJs, command, ...options], { env });
    }
    stamp('addon', value);
  },
};

/** The addon and the plugins that can be built here. */
function outputs() {
  const { tensorrt, tensorrtRtx } = findTensorrtHeaders();
  return [
    'llm2clip.node',
    'llm2clip_torchscript.so',
    ...(tensorrt ? ['llm2clip_tensorrt.so'] : []),
    ...(tensorrtRtx ? ['llm2clip_tensorrt_rtx.so'] : []),
  ].map((name) => `build/Release/${name}`);
}

function inputs(libtorch, nvcc) {
  const headers = Object.values(findTensorrtHeaders());
  return digest(SOURCES, ROOT, libtorch?.root, libtorch?.version, nvcc, ...headers);
}

/** CMake refuses a folder that was configured elsewhere or for another generator. */
function forgetOtherConfiguration(generator) {
  const cache = existsSync(CACHE) ? readFileSync(CACHE, 'utf8') : '';
  const same =
    cache.includes(`\nCMAKE_HOME_DIRECTORY:INTERNAL=${ROOT}\n`) &&
    cache.includes(`\nCMAKE_GENERATOR:INTERNAL=${generator}\n`);
  if (same) return;
  rmSync(CACHE, { force: true });
  rmSync(join(ROOT, 'build/CMakeFiles'), { recursive: true, force: true });
}
