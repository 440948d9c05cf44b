// Builds with CMake through cmake-js: the addon, its engines and the tests' programs.
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

/** Only the addon, which does not have to wait for libtorch. */
export const addon = nativeStep('addon', {
  target: 'llm2clip',
  outputs: () => ['llm2clip.node'],
  async dependencies() {
    return {};
  },
});

export const torchscript = nativeStep('TorchScript engine', {
  target: 'llm2clip_torchscript',
  outputs: () => ['llm2clip_torchscript.so'],
  async dependencies() {
    return { libtorch: await findLibtorch() };
  },
});

/** What `npm start` does not need: TensorRT's engines, and the programs of tests and benchmarks. */
export const tests = nativeStep('TensorRT engines, tests', {
  target: 'all',
  outputs: () => {
    const { tensorrt, tensorrtRtx } = findTensorrtHeaders();
    return [
      'tests/fake_engine.so',
      ...(tensorrt ? ['llm2clip_tensorrt.so'] : []),
      ...(tensorrtRtx ? ['llm2clip_tensorrt_rtx.so'] : []),
    ];
  },
  async dependencies() {
    // Empty strings instead of undefined, because CMake keeps earlier values of variables.
    const { tensorrt = '', tensorrtRtx = '' } = findTensorrtHeaders();
    return { libtorch: await findLibtorch(), tensorrt, tensorrtRtx };
  },
});

/** The GPU operators over CPU twins of their kernels. */
export const twin = nativeStep('twin of the GPU', {
  target: 'twin',
  outputs: () => ['tests/twin'],
  async dependencies() {
    return { libtorch: await findLibtorch() };
  },
});

/** The CUDA kernels and operators, and the programs of scripts/gpu-check.sh. */
export const cuda = nativeStep('CUDA', {
  target: 'gpu_check',
  outputs: () => ['llm2clip_torchscript_cuda.so'],
  async dependencies() {
    return { libtorch: await findLibtorch(), nvcc: await findNvcc() };
  },
});

/** A CMake target. It is skipped when its sources and dependencies have not changed. */
function nativeStep(name, { target, outputs, dependencies }) {
  const inputs = ({ libtorch, ...others }) =>
    digest(SOURCES, ROOT, libtorch?.root, libtorch?.version, JSON.stringify(others));
  return {
    name,
    async isDone() {
      const built = outputs().every((path) => existsSync(join(ROOT, 'build/Release', path)));
      return built && isStamped(target, inputs(await dependencies()));
    },
    async run() {
      const found = await dependencies();
      const value = inputs(found);
      await build(target, found);
      stamp(target, value);
    },
  };
}

async function build(target, { libtorch, tensorrt, tensorrtRtx, nvcc }) {
  const generator = which('ninja') ? 'Ninja' : 'Unix Makefiles';
  forgetOtherConfiguration(generator);
  // Half of the cores, because compiling torch's headers takes a gigabyte per process.
  const jobs = Math.max(2, Math.floor(availableParallelism() / 2));
  const options = Object.entries({
    LIBTORCH_ROOT: libtorch?.root,
    TENSORRT_INCLUDE: tensorrt,
    TENSORRT_RTX_INCLUDE: tensorrtRtx,
    LLM2CLIP_NVCC: nvcc,
    CMAKE_CXX_COMPILER_LAUNCHER: which('ccache') ? 'ccache' : undefined,
  }).flatMap(([variable, value]) => (value === undefined ? [] : [`--CD${variable}=${value}`]));
  const cmakeJs = (command, ...more) =>
    capture(
      process.execPath,
      [
        ...['node_modules/cmake-js/bin/cmake-js', '-l', 'error', '-G', generator],
        ...['-p', `${jobs}`, command, ...more, ...options],
      ],
      { env: { ...process.env, CXX: COMPILER } },
    );
  await cmakeJs('configure');
  await cmakeJs('build', '--target', target);
}

/** CMake rejects a folder that was configured elsewhere or for another generator. */
function forgetOtherConfiguration(generator) {
  const cache = existsSync(CACHE) ? readFileSync(CACHE, 'utf8') : '';
  const same =
    cache.includes(`\nCMAKE_HOME_DIRECTORY:INTERNAL=${ROOT}\n`) &&
    cache.includes(`\nCMAKE_GENERATOR:INTERNAL=${generator}\n`);
  if (same) return;
  rmSync(CACHE, { force: true });
  rmSync(join(ROOT, 'build/CMakeFiles'), { recursive: true, force: true });
}
