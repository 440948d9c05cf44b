// Tests serving with a real engine on the device under test. It repeats the tests of serving,
// buffers and workers, which use an engine that computes nothing, and compares each embedding with
// that in fp32 on the CPU.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ImageInput, LLM2CLIP, type LoadOptions, type Precision } from 'llm2clip';
import { decodeImage } from '#lib/image/index';
import { loadNative } from '#lib/native';
import { convertModel, DEVICE, loadModel, onDevice } from './support/device.mts';
import { CHECKPOINT, digits } from './support/digits.mts';
import { fakeWorker } from './support/fake-engine.mts';
import { assertClose, FP32, REDUCED } from './support/goldens.mts';
import { temporaryFolder } from './support/temporary.mts';
import { until } from './support/until.mts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PRECISIONS = { fp32: FP32, fp16: REDUCED, bf16: REDUCED } as const;
type Served = keyof typeof PRECISIONS;

const folder = temporaryFolder();
const images = digits('heldout').slice(0, 64);
const [image] = images as [string];
const raw = { normalize: false };
const codeOf = (error: unknown) => (error as { code?: string }).code;
const bundleOf = (precision: Precision) => join(folder, precision);

let expected: Float32Array[];
/** Preprocessed pixels [1, 3, S, S] of each image. */
let pixels: Float32Array[];
let shape: number[];
before(async () => {
  for (const precision of Object.keys(PRECISIONS) as Served[]) {
    await convertModel(CHECKPOINT, { out: bundleOf(precision), precision });
  }
  await using reference = await LLM2CLIP.load(bundleOf('fp32'), { device: 'cpu' });
  const { row } = await reference.encodeImages(images, raw);
  expected = images.map((_, i) => row(i).slice());
  const manifest = readFileSync(join(bundleOf('fp32'), 'llm2clip.json'), 'utf8');
  const { preprocessing } = JSON.parse(manifest);
  const reading = { maxPixels: 1e6, autoOrient: false, transfer: false };
  const decoded = await Promise.all(images.map((path) => decodeImage(path, reading)));
  pixels = await Promise.all(decoded.map((one) => loadNative().preprocess(one, preprocessing)));
  shape = [1, 3, preprocessing.size, preprocessing.size];
});

/**
 * Loads a model. With another precision or other options it has an engine and counts of its own.
 */
const load = (batching: LoadOptions['batching'] = {}, precision: Served = 'fp16') =>
  loadModel(bundleOf(precision), { batching });

function assertRight(found: Float32Array, i: number, precision: Served = 'fp16'): void {
  assertClose(
    found,
    expected[i % images.length] as Float32Array,
    onDevice(precision, PRECISIONS[precision]),
  );
}

const inputOf = (i: number) => ({
  pixelValues: (pixels[i % pixels.length] as Float32Array).slice(),
  shape,
});

describe('batches', () => {
  for (const precision of Object.keys(PRECISIONS) as Served[]) {
    test(`of ${precision}: every size gives each image its own embedding`, async () => {
      await using model = await load({ maxBatch: 16 }, precision);
      for (const size of [1, 2, 3, 7, 16, 64]) {
        const inputs = Array.from({ length: size }, (_, i) => inputOf(i));
        const { row } = await model.encodeImages(inputs, raw);
        for (let i = 0; i < size; i++) assertRight(row(i), i, precision);
      }
      const { batches, requests, stages, copies } = model.stats();
      assert.equal(requests.completed, 93);
      // Images that are submitted together form one batch. Of 64, the first batch takes 16.
      for (const size of [1, 2, 3, 7, 16]) assert.ok((batches.sizes[size] ?? 0) > 0, `${size}`);
      assert.ok(Object.keys(batches.sizes).every((size) => Number(size) <= 16));
      assert.equal(stages.run.count, batches.count);
      assert.ok(stages.run.max > 0);
      assert.equal(copies.output.bytes, 93 * 4 * model.info.embeddingDim);
    });
  }

  test('calls in one turn of the event loop become one batch', async () => {
    await using model = await load({ maxBatch: 32 });
    const asked = Array.from({ length: 32 }, (_, i) => model.encodeImage(inputOf(i), raw));
    for (const [i, found] of (await Promise.all(asked)).entries()) assertRight(found, i);
    assert.deepEqual(model.stats().batches.sizes, { 32: 1 });
  });

  test('several models on one device', async () => {
    const names = Object.keys(PRECISIONS) as Served[];
    const models = await Promise.all(names.map((one) => load({ maxBatch: 4 }, one)));
    const asked = names.flatMap((precision, which) =>
      images.map(async (path, i) => {
        const found = await models[which]?.encodeImage(path, raw);
        assertRight(found as Float32Array, i, precision);
      }),
    );
    await Promise.all(asked);
    await Promise.all(models.map((model) => model.dispose()));
  });
});

describe('memory of the caller', () => {
  test('an image gives the same embedding in every form of input', async () => {
    await using model = await load();
    const file = readFileSync(image);
    const shared = new Float32Array(new SharedArrayBuffer(4 * inputOf(0).pixelValues.length));
    shared.set(inputOf(0).pixelValues);
    const inputs: [ImageInput, object, copied: number][] = [
      [image, {}, 0],
      [new Uint8Array(file), {}, file.length],
      [new Uint8Array(file), { transfer: true }, 0],
      [inputOf(0), {}, shared.byteLength],
      [inputOf(0), { transfer: true }, shared.byteLength],
      [{ pixelValues: shared, shape }, {}, shared.byteLength],
    ];
    for (const [input, options, copied] of inputs) {
      const before = model.stats().copies.input.bytes;
      assertRight(await model.encodeImage(input, { ...raw, ...options }), 0);
      assert.equal(model.stats().copies.input.bytes - before, copied);
    }
  });

  test('transferred memory is detached, and later writes to other memory have no effect', async () => {
    await using model = await load({ maxBatch: 2 });
    const asked = Array.from({ length: 40 }, (_, i) => {
      const input = inputOf(i);
      const transfer = i % 2 === 0;
      const pending = model.encodeImage(input, { ...raw, transfer });
      if (transfer) assert.equal(input.pixelValues.length, 0);
      else input.pixelValues.fill(7);
      return pending;
    });
    for (const [i, found] of (await Promise.all(asked)).entries()) assertRight(found, i);
  });

  test('results are written to the given memory and nowhere else', async () => {
    await using model = await load();
    const dim = model.info.embeddingDim;
    const out = new Float32Array(images.length * dim + 1).fill(7);
    const { data, row } = await model.encodeImages(images, { ...raw, out });
    assert.equal(data.buffer, out.buffer);
    for (const i of images.keys()) assertRight(row(i), i);
    assert.equal(out.at(-1), 7);
  });
});

describe('callers that leave', () => {
  test('aborts at any moment: each promise settles once, and the other results are right', async () => {
    await using model = await load({ maxBatch: 8, maxQueue: 10_000 });
    const outcomes = { done: 0, aborted: 0 };
    const ask = async (i: number) => {
      const controller = new AbortController();
      const pending = model.encodeImage(inputOf(i), { ...raw, signal: controller.signal });
      if (i % 6 === 0) controller.abort();
      else if (i % 6 === 1) setImmediate(() => controller.abort());
      else if (i % 6 === 2) setTimeout(() => controller.abort(), i % 11);
      await pending.then(
        (found) => {
          assertRight(found, i);
          outcomes.done += 1;
        },
        (error) => {
          assert.equal(error.name, 'AbortError');
          outcomes.aborted += 1;
        },
      );
    };
    await Promise.all(Array.from({ length: 1000 }, (_, i) => ask(i)));
    assert.equal(outcomes.done + outcomes.aborted, 1000);
    assert.ok(outcomes.done >= 498 && outcomes.aborted >= 167, JSON.stringify(outcomes));
    // Images that were aborted in a batch still go through the engine.
    await until(() => model.stats().queue.inBatches === 0, 'an idle engine');
    const { requests, queue } = model.stats();
    assert.deepEqual(queue, { depth: 0, inBatches: 0 });
    assert.equal(requests.submitted, requests.completed + requests.dropped);
  });

  test('deadlines under load: late calls get ERR_TIMEOUT, and the other results are right', async (t) => {
    await using model = await load({ maxBatch: 4, maxQueue: 10_000 });
    const asked = Array.from({ length: 1000 }, (_, i) => {
      const options = i % 2 === 0 ? { timeoutMs: 1 + (i % 5) } : {};
      return model.encodeImage(inputOf(i), { ...raw, ...options });
    });
    const results = await Promise.allSettled(asked);
    for (const [i, result] of results.entries()) {
      if (result.status === 'fulfilled') assertRight(result.value, i);
      else assert.deepEqual([i % 2, codeOf(result.reason)], [0, 'ERR_TIMEOUT']);
    }
    const late = results.filter(({ status }) => status === 'rejected').length;
    t.diagnostic(`${late} late`); // None is late if the engine is fast enough.
    assert.deepEqual(model.stats().queue, { depth: 0, inBatches: 0 });
  });

  test('a full queue refuses single calls, and makes the stream wait', async () => {
    await using model = await load({ maxBatch: 2, maxQueue: 4 });
    const asked = Array.from({ length: 200 }, (_, i) => model.encodeImage(inputOf(i), raw));
    const results = await Promise.allSettled(asked);
    const refused = results.filter((one) => one.status === 'rejected');
    assert.ok(refused.length > 0 && refused.length <= 196, `${refused.length} refused`);
    for (const { reason } of refused) assert.equal(codeOf(reason), 'ERR_QUEUE_FULL');
    let given = 0;
    for await (const { index, embedding } of model.embedStream(images, raw)) {
      assert.equal(index, given++);
      assertRight(embedding as Float32Array, index);
    }
    assert.equal(given, images.length);
  });
});

describe('the end', () => {
  test('dispose waits for pending calls', async () => {
    const model = await load({ maxBatch: 4 });
    const asked = images.map((path) => model.encodeImage(path, raw));
    await sleep(5);
    await Promise.all([model.dispose(), model.dispose()]);
    for (const [i, result] of (await Promise.allSettled(asked)).entries()) {
      if (result.status === 'fulfilled') assertRight(result.value, i);
      else assert.equal(codeOf(result.reason), 'ERR_DISPOSED');
    }
    await assert.rejects(model.encodeImage(image), { code: 'ERR_DISPOSED' });
  });

  test('a model keeps working when workers that share its engine are terminated', async () => {
    await using model = await load({ maxBatch: 4 });
    const bundle = bundleOf('fp16');
    for (let round = 0; round < 3; round++) {
      const workers = [true, false].map((shared) =>
        fakeWorker({ path: ROOT, bundle, shared, terminated: true, device: DEVICE }),
      );
      await Promise.all(workers.map((worker) => once(worker, 'message')));
      const asked = images.map((path) => model.encodeImage(path, raw));
      await sleep(3 * round);
      await Promise.all(workers.map((worker) => worker.terminate()));
      for (const [i, found] of (await Promise.all(asked)).entries()) assertRight(found, i);
    }
    assert.deepEqual(model.stats().queue, { depth: 0, inBatches: 0 });
  });
});
