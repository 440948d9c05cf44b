// TensorRT for RTX in tests: its engines can be built on any machine, but are not run.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installTensorrtRtx } from '#lib/runtime/install';

const BUILT = fileURLToPath(new URL('../../build/Release', import.meta.url));

/** False if the set-up found no headers; then its plugin was not built. */
const isBuilt = existsSync(join(BUILT, 'llm2clip_tensorrt_rtx.so'));

/** Reason to skip tests of TensorRT, for node:test's `skip`. */
export const WITHOUT_TENSORRT = isBuilt
  ? false
  : 'the TensorRT engines were not built: set-up found no cargo to fetch their headers with';

/** Compute capabilities that users are most likely to have. */
export const CAPABILITIES = ['8.6', '8.9', '12.0'];

/** Returns the vendor's library, and installs it into the user's cache if it is missing. */
export async function tensorrtRtxLibrary(): Promise<string> {
  const { root } = await installTensorrtRtx();
  return join(root, 'tensorrt_rtx_libs/libtensorrt_rtx.so.1');
}

/**
 * Returns the environment of a child process with a fake CUDA driver; see
 * csrc/tests/fake_driver.cpp.
 */
export function fakeDriver(behaviour: string): Record<string, string> {
  const LD_LIBRARY_PATH = join(BUILT, 'tests/fake_driver');
  return { LD_LIBRARY_PATH, LLM2CLIP_FAKE_CUDA: behaviour };
}
