import { fileURLToPath } from 'node:url';

/** A folder for LD_LIBRARY_PATH: CUDA's driver without a GPU, see csrc/tests/fake_driver.cpp. */
export const FAKE_DRIVER = fileURLToPath(
  new URL('../../build/Release/tests/fake_driver', import.meta.url),
);

/** The environment of a machine whose driver behaves so. */
export function driver(mode: string): Record<string, string> {
  return { LD_LIBRARY_PATH: FAKE_DRIVER, LLM2CLIP_FAKE_CUDA: mode };
}
