// Tests that many calls can wait for one signal: what the signal holds during the calls and after
// them.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { LLM2CLIP } from 'llm2clip';
import { abortable } from '#lib/async/abort';
import { whenAborted } from '#lib/async/when-aborted';
import { fakePackage, fakePixels, fakeTextBundle, requireFake } from './support/fake-engine.mts';
import { HeldModel } from './support/held-model.mts';
import { image } from './support/images.mts';
import { unitVectors } from './support/search-vectors.mts';
import { temporaryFolder } from './support/temporary.mts';

const folder = temporaryFolder();
const fake = requireFake(fakePackage(join(folder, 'package')));
const HOUR_MS = 3_600_000;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

let texts: string;
before(async () => {
  texts = await fakeTextBundle(join(folder, 'texts'), 0);
});

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

/** Runs `body` and returns the names of the warnings that Node emitted during that time. */
async function warningsOf(body: () => Promise<void>): Promise<string[]> {
  const names: string[] = [];
  const note = ({ name }: Error) => names.push(name);
  process.on('warning', note);
  await body();
  await new Promise(setImmediate); // Warnings are emitted on a later tick.
  process.off('warning', note);
  return names;
}

describe('a signal that many calls wait for', () => {
  const PENDING = 3000;

  test('has one listener, and none after the calls', async () => {
    const { signal } = new AbortController();
    const warnings = await warningsOf(async () => {
      await using held = await HeldModel.load(folder, { maxQueue: 2 * PENDING });
      await held.occupy();
      const calls = Array.from({ length: PENDING }, (_, i) =>
        held.model.encodeImage(fakePixels(i), { signal, timeoutMs: HOUR_MS }),
      );
      const files = Array.from({ length: 50 }, () =>
        held.model.encodeImage(image('rgb.png'), { signal, timeoutMs: HOUR_MS }),
      );
      assert.equal(listeners(signal), 1);
      held.gate.open();
      await Promise.all([...calls, ...files]);
    });
    assert.equal(listeners(signal), 0);
    assert.deepEqual(warnings, []);
  });

  test('rejects all of them with its reason, and has no listener afterwards', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    await using held = await HeldModel.load(folder, { maxQueue: 2 * PENDING });
    await held.occupy();
    const calls = Array.from({ length: PENDING }, (_, i) =>
      held.model.encodeImage(
        fakePixels(i),
        i % 2 === 0 ? { signal } : { signal, timeoutMs: HOUR_MS },
      ),
    );
    const reason = new Error('enough');
    controller.abort(reason);
    for (const { reason: found } of (await Promise.allSettled(calls)) as PromiseRejectedResult[]) {
      assert.equal(found, reason);
    }
    assert.equal(listeners(signal), 0);
  });

  test('keeps no listener of any call that takes a signal', async () => {
    const { signal } = new AbortController();
    const options = { signal, timeoutMs: HOUR_MS };
    await using model = await fake.LLM2CLIP.load(texts);
    const pixels = fakePixels(1);
    const index = fake.VectorIndex.create({ dim: 8 });
    await index.add(unitVectors(100, 8, 1));
    const calls = Array.from({ length: 20 }, (_, i) => [
      model.encodeText(`a photo ${i}`, options),
      model.encodeTexts([`a ${i}`, 'a photo'], options),
      model.encodeImages([pixels, pixels], options),
      model.classify(pixels, ['a', 'photo'], { signal }),
      index.search(unitVectors(1, 8, i), { signal }),
    ]).flat();
    const stream = (async () => {
      for await (const { error } of model.embedStream([pixels, pixels], options)) {
        assert.equal(error, undefined);
      }
    })();
    assert.ok(listeners(signal) <= 1);
    await Promise.all([...calls, stream]);
    await index.dispose();
    assert.equal(listeners(signal), 0);
  });
});

describe('a signal that outlives 100,000 calls', () => {
  const CALLS = 100_000;
  /** Noise of the heap. A listener or a timer that leaks per call would be ten times as much. */
  const MOST_BYTES_A_CALL = 40;

  async function callMany(model: LLM2CLIP, signal: AbortSignal, count: number): Promise<void> {
    for (let done = 0; done < count; done += 500) {
      const calls = Array.from({ length: 500 }, () =>
        model.encodeText('a photo', { signal, timeoutMs: HOUR_MS }),
      );
      await Promise.all(calls);
    }
  }

  function heap(): number {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  }

  test('holds no memory of the calls', async (t) => {
    const { signal } = new AbortController();
    await using model = await fake.LLM2CLIP.load(texts);
    await callMany(model, signal, 5000);
    const held = heap();
    await callMany(model, signal, CALLS);
    const bytes = (heap() - held) / CALLS;
    t.diagnostic(`${bytes} bytes a call`);
    assert.ok(
      bytes < MOST_BYTES_A_CALL,
      `expected the heap to keep its size, it grew by ${bytes} bytes a call`,
    );
    assert.equal(listeners(signal), 0);
  });
});

describe('whenAborted', () => {
  test('calls all remaining callbacks once, in their order', () => {
    const controller = new AbortController();
    const told: number[] = [];
    const stops = [0, 1, 2, 3].map((i) =>
      whenAborted(controller.signal, () => {
        told.push(i);
        if (i === 0) stops[2]?.();
      }),
    );
    stops[1]?.();
    stops[1]?.();
    assert.equal(listeners(controller.signal), 1);
    controller.abort();
    assert.deepEqual(told, [0, 3]);
    for (const stop of stops) stop();
    assert.equal(listeners(controller.signal), 0);
  });

  test('a function that is passed twice is called twice, and can be stopped separately', () => {
    const controller = new AbortController();
    let told = 0;
    const tell = () => {
      told += 1;
    };
    const [stop] = [whenAborted(controller.signal, tell), whenAborted(controller.signal, tell)];
    stop();
    controller.abort();
    assert.equal(told, 1);
  });
});

test('abortable() with an aborted signal rejects, whether the promise resolves or rejects', async () => {
  const reason = new Error('enough');
  let told = 0;
  const late = new Promise((_, reject) => setImmediate(() => reject(new Error('late'))));
  const failing = abortable(late, AbortSignal.abort(reason), () => {
    told += 1;
  });
  await assert.rejects(failing, reason);
  await assert.rejects(late, /late/);
  assert.equal(told, 1);
});
