// Tests row 11 of FAULTS.md: worker threads share an engine, and may end at any moment.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { convertModel, loadModel } from './support/device.mts';
import { CHECKPOINT, digits } from './support/digits.mts';
import {
  FAKE_SIZE,
  fakeBundle,
  fakePackage,
  fakePixels,
  fakeWorker,
  requireFake,
} from './support/fake-engine.mts';
import { temporaryFolder } from './support/temporary.mts';

const folder = temporaryFolder();
const path = join(folder, 'package');
let bundle: string;
before(async () => {
  fakePackage(path);
  bundle = await fakeBundle(join(folder, 'bundle'), 2000);
});

/** Runs a program of test/support to its end. */
const run = async (name: string, ...args: string[]) => {
  const file = fileURLToPath(new URL(`./support/${name}`, import.meta.url));
  const loader = name.endsWith('.mts') ? ['--import', 'tsx'] : [];
  const child = spawn(process.execPath, [...loader, file, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return { said, code, signal };
};

const worker = (data: object) => fakeWorker({ path, bundle, ...data });

test('workers that load the same bundle share one engine', async () => {
  const workers = [1, 2, 3].map(() => worker({}));
  const answers = await Promise.all(workers.map((one) => once(one, 'message')));
  for (const [{ first }] of answers) {
    assert.deepEqual(
      first,
      Array.from({ length: 20 }, (_, i) => i),
    );
  }
  // One scheduler counts the requests of all workers.
  assert.equal(Math.max(...answers.map(([{ submitted }]) => submitted)), 60);
  for (const one of workers) one.postMessage('end');
  for (const code of await Promise.all(workers.map((one) => once(one, 'exit')))) {
    assert.deepEqual(code, [0]);
  }
});

test('a model keeps working when a worker that shares its engine is terminated', async () => {
  const { LLM2CLIP } = requireFake(path);
  await using model = await LLM2CLIP.load(bundle, { batching: { maxBatch: 4 } });
  for (const shared of [false, true]) {
    const one = worker({ terminated: true, shared });
    await once(one, 'message');
    const pending = Array.from({ length: 20 }, (_, i) =>
      model.encodeImage(fakePixels(i), { normalize: false }),
    );
    await one.terminate();
    assert.deepEqual(
      (await Promise.all(pending)).map(([first]) => first),
      Array.from({ length: 20 }, (_, i) => i),
    );
  }
});

/**
 * Factor for the size of each storm. 50 makes the 2,000 terminations and 600 exits of a release.
 */
const STORM = Number(process.env.LLM2CLIP_STORM ?? 1);
const TERMINATIONS = String(20 * STORM);
const EXITS = 3 * STORM;

for (const loader of ['worker', 'both'] as const) {
  test(`workers terminated with calls in flight, the addon loaded by ${loader}`, async () => {
    const ended = await run('terminate-storm.mts', path, bundle, loader, TERMINATIONS);
    assert.deepEqual(ended, { said: `${TERMINATIONS} terminated\n`, code: 0, signal: null });
  });
}

/**
 * Ends the process in the given way after the given milliseconds, with images in flight in a
 * worker.
 */
const EXIT = fileURLToPath(new URL('./support/worker-exit.mjs', import.meta.url));

for (const [way, expected] of [
  ['exit', 7],
  ['throw', 1],
  ['worker-throw', 1],
  ['sigterm', 'SIGTERM'],
] as const) {
  test(`${way} of the process with a worker's images in flight`, async () => {
    for (let round = 0; round < EXITS; round++) {
      const data = JSON.stringify({ path, bundle, size: FAKE_SIZE });
      const args = [EXIT, data, way, String((round % 5) * 7)];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      child.stderr.resume();
      if (way === 'sigterm') {
        await once(child.stdout, 'data');
        await sleep((round % 5) * 7);
        child.kill('SIGTERM');
      } else child.stdout.resume();
      const [code, signal] = await once(child, 'close');
      assert.equal(code ?? signal, expected);
    }
  });
}

test('cluster.fork: each process has its own engine, and its death does not affect the others', async () => {
  const all = { said: 'all well\n', code: 0, signal: null };
  assert.deepEqual(await run('cluster.cjs', path, bundle, String(FAKE_SIZE)), all);
});

test('two copies of the addon in one process are independent', async () => {
  const real = join(folder, 'digits');
  await convertModel(CHECKPOINT, { out: real });
  await using model = await loadModel(real);
  const image = digits('heldout')[0] as string;
  const expected = await model.encodeImage(image);
  await using other = await requireFake(path).LLM2CLIP.load(bundle);
  const both = Array.from({ length: 20 }, (_, i) =>
    Promise.all([
      model.encodeImage(image, { timeoutMs: 3_600_000 }),
      other.encodeImage(fakePixels(i), { normalize: false }),
    ]),
  );
  for (const [i, [embedding, [first]]] of (await Promise.all(both)).entries()) {
    for (const [j, x] of embedding.entries()) {
      assert.ok(Math.abs(x - (expected[j] as number)) < 1e-2);
    }
    assert.equal(first, i);
  }
  assert.equal(model.stats().requests.completed, 21);
  assert.equal(other.stats().requests.completed, 20);
});
