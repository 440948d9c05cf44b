// Tests row 11 of FAULTS.md for the main thread: a process that ends with calls in flight ends with
// its own exit code, never by a signal.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { convertModel, DEVICE } from './support/device.mts';
import { photograph } from './support/goldens.mts';
import { temporaryFolder } from './support/temporary.mts';

const CHECKPOINT = fileURLToPath(new URL('./fixtures/digits/digits-eva02.pt', import.meta.url));
/** The script ends after at most this many milliseconds. */
const LATEST_MS = 42;
const ROUNDS = process.env.LLM2CLIP_STORM ? 15 : 5;

const bundle = join(temporaryFolder(), 'digits.bundle');
before(() => convertModel(CHECKPOINT, { out: bundle }));

/** Keeps 16 images in flight, and ends in the given way after the given milliseconds. */
const SCRIPT = `
  const { LLM2CLIP } = require('llm2clip');
  const [bundle, image, delay, way, device] = process.argv.slice(1);
  const ways = {
    exit: () => process.exit(7),
    throw: () => { throw new Error('deliberate'); },
    reject: () => Promise.reject(new Error('deliberate')),
  };
  LLM2CLIP.load(bundle, { device }).then((model) => {
    const again = () => model.encodeImage(image).then(again, () => {});
    for (let i = 0; i < 16; i++) again();
    setTimeout(ways[way], delay);
  });
`;

async function endAfter(delay: number, way: string) {
  const args = ['-e', SCRIPT, bundle, photograph('china.jpg'), String(delay), way, DEVICE];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr.resume();
  const [code, signal] = await once(child, 'close');
  return { code, signal };
}

for (const [way, code] of [
  ['exit', 7],
  ['throw', 1],
  ['reject', 1],
] as const) {
  test(`${way} with images in flight`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const delay = (round * LATEST_MS) / (ROUNDS - 1);
      assert.deepEqual(await endAfter(delay, way), { code, signal: null });
    }
  });
}
