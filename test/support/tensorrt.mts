// TensorRT for RTX as tests use it: its engines are built on any machine, and run on none here.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installTensorrtRtx } from '#lib/runtime/install';

const BUILT = fileURLToPath(new URL('../../build/Release', import.meta.url));

/** False where set-up found no headers to build it with; else a reason would be hidden. */
const isBuilt = existsSync(join(BUILT, 'llm2clip_tensorrt_rtx.so'));

/** For node:test's `skip`. */
export const WITHOUT_TENSORRT = isBuilt
  ? false
  : 'the TensorRT engines were not built: set-up found no cargo to fetch their headers with';

/** The ones that a user is most likely to have. */
export const CAPABILITIES = ['8.6', '8.9', '12.0'];

/** The vendor's library, installed into the user's cache where it is not there. */
export async function tensorrtRtxLibrary(): Promise<string> {
  const { root } = await installTensorrtRtx();
  return join(root, 'tensorrt_rtx_libs/libtensorrt_rtx.so.1');
}

/** A driver of CUDA without a GPU, see csrc/tests/fake_driver.cpp: environment for a child. */
export function fakeDriver(behaviour: string): Record<string, string> {
  const LD_LIBRARY_PATH = join(BUILT, 'tests/fake_driver');
  return { LD_LIBRARY_PATH, LLM2CLIP_FAKE_CUDA: behaviour };
}
