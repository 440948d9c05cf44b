import { fileURLToPath } from 'node:url';

/** Folder for LD_LIBRARY_PATH with a fake CUDA driver; see csrc/tests/fake_driver.cpp. */
export const FAKE_DRIVER = fileURLToPath(
  new URL('../../build/Release/tests/fake_driver', import.meta.url),
);

/** Returns the environment of a machine whose driver behaves like `mode`. */
export function driver(mode: string): Record<string, string> {
  return { LD_LIBRARY_PATH: FAKE_DRIVER, LLM2CLIP_FAKE_CUDA: mode };
}
