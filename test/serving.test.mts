// Tests rows 10 and 12 of FAULTS.md through the public API, with an engine that the test holds and
// releases, or that takes no time.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { LLM2CLIP, LoadOptions } from 'llm2clip';
import {
  FAKE_DIM,
  FAKE_SIZE,
  fakeBundle,
  fakePackage,
  fakePixels,
  POISON,
  requireFake,
} from './support/fake-engine.mts';
import { HeldModel } from './support/held-model.mts';
import { temporaryFolder } from './support/temporary.mts';
import { until } from './support/until.mts';

const folder = temporaryFolder();
const fake = requireFake(fakePackage(join(folder, 'package')));
const codeOf = (error: unknown) => (error as { code?: string }).code;
const raw = { normalize: false };
const HOUR_MS = 3_600_000;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

let quick: string;
before(async () => {
  quick = await fakeBundle(join(folder, 'quick'), 0);
});

/** Loads a model whose engine takes no time. */
const load = (batching: LoadOptions['batching'] = {}): Promise<LLM2CLIP> =>
  fake.LLM2CLIP.load(quick, { batching });

const hold = (batching: NonNullable<LoadOptions['batching']>) => HeldModel.load(folder, batching);

describe('batches', () => {
  test('inputs that wait while a batch runs become one batch', async () => {
    await using held = await hold({ maxBatch: 8 });
    const { model, gate } = held;
    await held.occupy();
    const begin = performance.now();
    const numbers = Array.from({ length: 10 }, (_, i) => i);
    const asked = numbers.map((i) => model.encodeImage(fakePixels(i), raw));
    await held.waitFor({ inBatches: 9, queued: 2 });
    const heldMs = performance.now() - begin;
    gate.open();
    const all = await Promise.all(asked);
    assert.deepEqual(
      all.map(([first]) => first),
      numbers,
    );
    assert.deepEqual(
      all.map(([, batch]) => batch),
      [8, 8, 8, 8, 8, 8, 8, 8, 2, 2],
    );
    const { batches, requests, stages, copies } = model.stats();
    assert.deepEqual(batches.sizes, { 1: 1, 2: 1, 8: 1 });
    assert.equal(requests.completed, 11);
    assert.equal(stages.run.count, 3);
    // Percentiles have an error of up to 3 %. The first batch ran as long as the test held it.
    assert.ok(stages.run.max >= 0.97 * heldMs, `${stages.run.max} ms, held for ${heldMs} ms`);
    assert.equal(stages.deliver.count, 11);
    assert.equal(copies.output.bytes, 11 * 4 * FAKE_DIM);
  });

  test('calls in one turn of the event loop become one batch', async () => {
    await using model = await load({ maxBatch: 16 });
    const pixels = Array.from({ length: 8 }, (_, i) => fakePixels(i));
    const singles = await Promise.all(pixels.map((one) => model.encodeImage(one, raw)));
    for (const [, batch] of singles) assert.equal(batch, 8);
    const { row } = await model.encodeImages(pixels, raw);
    for (let i = 0; i < 8; i++) assert.deepEqual([...row(i).subarray(0, 2)], [i, 8]);
    assert.deepEqual(model.stats().batches.sizes, { 8: 2 });
  });

  test('with maxDelayMs a batch waits for further inputs until it is full', async () => {
    await using model = await load({ maxBatch: 3, maxDelayMs: HOUR_MS });
    const first = model.encodeImage(fakePixels(1), raw);
    await sleep(50); // A batch that does not wait would run in this time.
    const rest = [model.encodeImage(fakePixels(2), raw), model.encodeImage(fakePixels(3), raw)];
    for (const [, batch] of await Promise.all([first, ...rest])) assert.equal(batch, 3);
  });

  test('priorities, then deadlines, then age', async () => {
    await using held = await hold({ maxBatch: 1 });
    await held.occupy();
    const order: string[] = [];
    const ask = async (name: string, options: object = {}) => {
      await held.model.encodeImage(fakePixels(1), { ...raw, ...options });
      order.push(name);
    };
    const asked = [ask('has its slot already')];
    await held.waitFor({ inBatches: 2 });
    asked.push(
      ask('old'),
      ask('late', { timeoutMs: 2 * HOUR_MS }),
      ask('soon', { timeoutMs: HOUR_MS }),
      ask('young'),
      ask('urgent', { priority: 9 }),
      ask('unhurried', { priority: -1 }),
    );
    await held.waitFor({ inBatches: 2, queued: 6 });
    held.gate.open();
    await Promise.all(asked);
    assert.deepEqual(order, [
      'has its slot already',
      'urgent',
      'soon',
      'late',
      'old',
      'young',
      'unhurried',
    ]);
  });
});

describe('failures', () => {
  test('one poisoned image of 32: one error and 31 right results', async () => {
    await using held = await hold({ maxBatch: 32 });
    const { model, gate } = held;
    await held.occupy();
    const asked = Array.from({ length: 32 }, (_, i) =>
      model.encodeImage(fakePixels(i === 13 ? POISON : i), raw),
    );
    await held.waitFor({ inBatches: 33 });
    gate.open();
    for (const [i, result] of (await Promise.allSettled(asked)).entries()) {
      if (i === 13) {
        assert.equal(result.status, 'rejected');
        assert.equal(codeOf((result as PromiseRejectedResult).reason), 'ERR_INTERNAL');
      } else {
        assert.equal((result as PromiseFulfilledResult<Float32Array>).value[0], i);
      }
    }
    assert.equal(model.stats().requests.failed, 1);
  });

  test('a full queue refuses encodeImage, and makes the array and the stream wait', async () => {
    await using held = await hold({ maxBatch: 2, maxQueue: 4 });
    const { model, gate } = held;
    const asked = Promise.allSettled(
      Array.from({ length: 12 }, (_, i) => model.encodeImage(fakePixels(i), raw)),
    );
    await held.waitFor({ inBatches: 4 });
    gate.open();
    const codes = (await asked).map((one) =>
      one.status === 'rejected' ? codeOf(one.reason) : 'done',
    );
    assert.deepEqual(codes, [...Array(4).fill('done'), ...Array(8).fill('ERR_QUEUE_FULL')]);
    const inputs = Array.from({ length: 40 }, (_, i) => fakePixels(i));
    const { data, errors } = await model.encodeImages(inputs, raw);
    assert.equal(errors.size, 0);
    assert.equal(data[39 * FAKE_DIM], 39);
    let streamed = 0;
    for await (const { embedding } of model.embedStream(inputs, raw)) {
      assert.equal(embedding?.[0], streamed++);
    }
    assert.equal(streamed, 40);
    await model.encodeImage(fakePixels(1));
  });

  test('a time-out: in the queue, in a batch, while decoding', async () => {
    await using held = await hold({ maxBatch: 1 });
    const { model, gate } = held;
    const late = await Promise.allSettled(
      [1, 2, 3].map((i) => model.encodeImage(fakePixels(i), { timeoutMs: 50 })),
    );
    for (const one of late) {
      assert.equal(one.status, 'rejected');
      assert.equal(codeOf((one as PromiseRejectedResult).reason), 'ERR_TIMEOUT');
    }
    const image = new URL('./fixtures/images/china.jpg', import.meta.url).pathname;
    await assert.rejects(model.encodeImage(image, { timeoutMs: 0 }), { code: 'ERR_TIMEOUT' });
    gate.open();
    assert.equal((await model.encodeImage(fakePixels(7), raw))[0], 7);
    assert.equal(model.stats().requests.timedOut, 3);
  });
});

describe('abort', () => {
  test('an aborted image leaves the queue: its place is free, and the engine never gets it', async () => {
    await using held = await hold({ maxBatch: 1, maxQueue: 4 });
    const { model, gate } = held;
    await held.occupy();
    const controller = new AbortController();
    const { signal } = controller;
    const slot = model.encodeImage(fakePixels(1), raw);
    await held.waitFor({ inBatches: 2 });
    const dropped = [2, 3].map((i) => model.encodeImage(fakePixels(i), { signal }));
    await assert.rejects(model.encodeImage(fakePixels(4)), { code: 'ERR_QUEUE_FULL' });
    controller.abort(new Error('enough'));
    for (const one of dropped) await assert.rejects(one, /enough/);
    controller.abort(new Error('twice'));
    const last = model.encodeImage(fakePixels(5), raw);
    gate.open();
    assert.equal((await last)[0], 5);
    assert.equal((await slot)[0], 1);
    const { requests, batches } = model.stats();
    assert.equal(requests.dropped, 2);
    assert.equal(batches.count, 3);
  });

  test('two thousand aborts at random moments: each promise settles once', async () => {
    await using model = await load({ maxBatch: 16, maxQueue: 100_000 });
    let settled = 0;
    const outcomes = { done: 0, aborted: 0 };
    const ask = async (i: number) => {
      const controller = new AbortController();
      const pending = model.encodeImage(fakePixels(i), { signal: controller.signal, ...raw });
      if (i % 4 === 0) controller.abort();
      else if (i % 4 === 1) setImmediate(() => controller.abort());
      else if (i % 4 === 2) setTimeout(() => controller.abort(), i % 7);
      await pending.then(
        ([first]) => {
          assert.equal(first, i);
          outcomes.done += 1;
        },
        (error) => {
          assert.equal(error.name, 'AbortError');
          outcomes.aborted += 1;
        },
      );
      settled += 1;
    };
    for (let first = 0; first < 2000; first += 500) {
      await Promise.all(Array.from({ length: 500 }, (_, i) => ask(first + i)));
    }
    assert.equal(settled, 2000);
    assert.ok(outcomes.done >= 500 && outcomes.aborted >= 500, JSON.stringify(outcomes));
    // Images that were aborted in a batch still go through the engine.
    await until(() => model.stats().queue.inBatches === 0, 'an idle engine');
    const { requests, queue } = model.stats();
    assert.deepEqual(queue, { depth: 0, inBatches: 0 });
    assert.equal(requests.submitted, requests.completed + requests.dropped);
  });
});

describe('the stream', () => {
  const source = async function* (count: number, onTake: (i: number) => void = () => {}) {
    for (let i = 0; i < count; i++) {
      onTake(i);
      yield fakePixels(i);
    }
  };

  test('keeps the order, and limits how far it reads ahead', async () => {
    await using model = await load({ maxBatch: 4 });
    let taken = 0;
    let given = 0;
    const inputs = source(100, () => taken++);
    for await (const { index, input, embedding } of model.embedStream(inputs, {
      ...raw,
      readAhead: 6,
    })) {
      assert.equal(index, given);
      assert.equal(embedding?.[0], given);
      assert.equal(input.pixelValues[0], given);
      // It reads ahead as far as allowed. The current image counts, too.
      assert.equal(taken, Math.min(100, given + 6));
      given += 1;
    }
    assert.equal(given, 100);
  });

  test('a thousand images in constant memory', async () => {
    await using model = await load({ maxBatch: 16 });
    const imageBytes = fakePixels(0).pixelValues.byteLength;
    const bytesHeld = () => {
      collectGarbage();
      collectGarbage();
      return process.memoryUsage().arrayBuffers;
    };
    const before = bytesHeld();
    let most = 0;
    let given = 0;
    for await (const { embedding } of model.embedStream(source(1000), raw)) {
      assert.equal(embedding?.[0], given++);
      if (given % 500 === 0) most = Math.max(most, bytesHeld() - before);
    }
    assert.equal(given, 1000);
    // It reads 32 images ahead. If it kept the consumed ones, it would hold all of them at the end.
    assert.ok(most < 200 * imageBytes, `${most / imageBytes} pictures`);
  });

  test('ends its source when the consumer stops, or an error ends it', async () => {
    await using model = await load();
    let ended = 0;
    const watched = async function* (poison: number) {
      try {
        for (let i = 0; ; i++) yield fakePixels(i === poison ? POISON : i);
      } finally {
        ended += 1;
      }
    };
    for await (const { index } of model.embedStream(watched(-1))) if (index === 3) break;
    assert.equal(ended, 1);
    const failing = async () => {
      for await (const _ of model.embedStream(watched(5)));
    };
    await assert.rejects(failing(), { code: 'ERR_INTERNAL' });
    assert.equal(ended, 2);
    const controller = new AbortController();
    const aborted = async () => {
      const { signal } = controller;
      for await (const { index } of model.embedStream(watched(-1), { signal })) {
        if (index === 3) controller.abort();
      }
    };
    await assert.rejects(aborted(), { name: 'AbortError' });
    assert.equal(ended, 3);
  });

  test("with onError: 'collect' failures are results", async () => {
    await using model = await load();
    const numbers = [1, POISON, 3];
    const codes = [];
    const inputs = numbers.map(fakePixels);
    for await (const { error, embedding } of model.embedStream(inputs, {
      ...raw,
      onError: 'collect',
    })) {
      codes.push(error === undefined ? embedding?.[0] : codeOf(error));
    }
    assert.deepEqual(codes, [1, 'ERR_INTERNAL', 3]);
  });

  test('an input that is not iterable', async () => {
    await using model = await load();
    const wrong = async () => {
      for await (const _ of model.embedStream(7 as unknown as string[]));
    };
    await assert.rejects(wrong(), { name: 'TypeError', code: 'ERR_INVALID_ARG' });
  });
});

describe('the end', () => {
  test('dispose waits for pending calls, wherever it is called', async () => {
    await using held = await hold({ maxBatch: 1 });
    const { model, gate } = held;
    const pending = [1, 2, 3].map((i) => model.encodeImage(fakePixels(i), raw));
    let ended = 0;
    const endings = [1, 2].map(async () => {
      await model.dispose();
      ended += 1;
    });
    await gate.waitForRuns(1);
    assert.equal(ended, 0);
    gate.open();
    await Promise.all(endings);
    assert.deepEqual(
      (await Promise.all(pending)).map(([first]) => first),
      [1, 2, 3],
    );
    await assert.rejects(model.encodeImage(fakePixels(1)), { code: 'ERR_DISPOSED' });
  });

  test('dispose while an image is being read', async () => {
    const model = await load({ maxBatch: 1 });
    const trap = {
      get pixelValues() {
        model.dispose();
        return fakePixels(1).pixelValues;
      },
      shape: [1, 3, FAKE_SIZE, FAKE_SIZE],
    };
    await Promise.allSettled([model.encodeImage(trap)]);
    await model.dispose();
  });
});
