// Tests classifiers against NumPy's numbers, with an encoder that returns given vectors.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fillTemplates } from 'llm2clip';
import { ClassifierCache } from '#lib/classify/classifier-cache';
import { Classifier } from '#lib/classify/index';
import { FakeEncoder } from './support/fake-encoder.mts';
import { rankedByHand, unitVectors } from './support/search-vectors.mts';

interface ZeroShot {
  texts: number[];
  images: number[];
  width: number;
  templates: number;
  probabilities: number[];
}

const path = new URL('./fixtures/goldens/evaluation.json', import.meta.url);
const golden: { zeroShot: ZeroShot[] } = JSON.parse(readFileSync(path, 'utf8'));

function rows(data: ArrayLike<number>, width: number): number[][] {
  const count = data.length / width;
  return Array.from({ length: count }, (_, i) =>
    Array.from({ length: width }, (_, k) => data[i * width + k] as number),
  );
}

function named(names: readonly string[], data: ArrayLike<number>, width: number) {
  const vectors = rows(data, width);
  return new Map(names.map((name, i) => [name, vectors[i] as number[]]));
}

const names = (of: string, count: number) => Array.from({ length: count }, (_, i) => `${of} ${i}`);
const code = (expected: string) => (error: { code?: string }) => error.code === expected;

/** Makes an encoder of labels in one template, and of one image. */
function encoderOf(labels: readonly string[], dim: number) {
  const texts = fillTemplates(labels, ['a photo of a {}.']);
  const vectors = unitVectors(labels.length, dim, 1);
  const images = new Map([['image', unitVectors(1, dim, 2)]]);
  return { vectors, encoder: new FakeEncoder({ dim, texts: named(texts, vectors, dim), images }) };
}

describe('Classifier', () => {
  for (const [i, { width, templates, ...zeroShot }] of golden.zeroShot.entries()) {
    test(`probabilities as NumPy has them, best first (${i})`, async () => {
      const labels = names('label', zeroShot.texts.length / width / templates);
      const prompts = names('{}, template', templates);
      const count = zeroShot.images.length / width;
      const encoder = new FakeEncoder({
        dim: width,
        texts: named(fillTemplates(labels, prompts), zeroShot.texts, width),
        images: named(names('image', count), zeroShot.images, width),
      });
      await using classifier = await Classifier.create(encoder, labels, { templates: prompts });
      const expected = rows(zeroShot.probabilities, labels.length);
      for (const [image, probabilities] of expected.entries()) {
        const found = await classifier.classify(`image ${image}`);
        assert.equal(found.length, labels.length);
        for (const [place, { label, index, probability, score }] of found.entries()) {
          assert.equal(label, `label ${index}`);
          assert.ok(Math.abs(probability - (probabilities[index] as number)) < 2e-5);
          assert.ok(score <= (found[place - 1]?.score ?? 1));
        }
      }
    });
  }

  test('20,000 labels, encoded in chunks, are ranked as by a plain sort', async () => {
    const labels = names('label', 20_000);
    const { encoder, vectors } = encoderOf(labels, 8);
    encoder.gate = () => sleep(0);
    const progress: [number, number][] = [];
    const onProgress = (...counts: [number, number]) => progress.push(counts);
    await using classifier = await Classifier.create(encoder, labels, { onProgress });
    assert.ok(Math.max(...encoder.calls) <= 128);
    assert.equal(encoder.mostAtOnce, 2);
    assert.deepEqual(progress.at(-1), [20_000, 20_000]);
    const image = unitVectors(1, 8, 2);
    const ranked = rankedByHand(vectors, image, 8);
    const found = await classifier.rank(image, { topK: 50, scale: 10 });
    const sum = ranked.reduce((total, { score }) => total + Math.exp(10 * score), 0);
    assert.equal(found.length, 50);
    for (const [place, { index, probability }] of found.entries()) {
      assert.equal(index, ranked[place]?.row);
      const expected = Math.exp(10 * (ranked[place]?.score ?? 0)) / sum;
      assert.ok(Math.abs(probability / expected - 1) < 1e-5);
    }
  });

  test('many labels with few distinct scores are ranked as by a plain sort', async () => {
    const labels = names('label', 3000);
    const dim = 4;
    const few = rows(unitVectors(7, dim, 3), dim);
    const texts = fillTemplates(labels, ['a photo of a {}.']);
    const vectors = new Map(texts.map((text, i) => [text, few[i % 7] as number[]]));
    await using classifier = await Classifier.create(
      new FakeEncoder({ dim, texts: vectors }),
      labels,
    );
    const image = unitVectors(1, dim, 2);
    const all = await classifier.rank(image, { topK: 3000, scale: 5 });
    assert.equal(all.length, 3000);
    const sorted = all.toSorted((a, b) => b.score - a.score || a.index - b.index);
    assert.deepEqual(all, sorted);
    assert.ok(Math.abs(all.reduce((sum, { probability }) => sum + probability, 0) - 1) < 1e-9);
    for (const topK of [1, 429, 430, 2999]) {
      assert.deepEqual(await classifier.rank(image, { topK, scale: 5 }), all.slice(0, topK));
    }
  });

  test('one label has probability 1, a repeated label counts twice, and the default is ten', async () => {
    const labels = names('label', 12);
    const { encoder } = encoderOf(labels, 8);
    await using one = await Classifier.create(encoder, ['label 3']);
    assert.deepEqual(
      (await one.classify('image')).map(({ probability }) => probability),
      [1],
    );
    await using twice = await Classifier.create(encoder, ['label 3', 'label 3']);
    const found = await twice.classify('image');
    assert.deepEqual(
      found.map(({ index, probability }) => [index, probability]),
      [
        [0, 0.5],
        [1, 0.5],
      ],
    );
    await using all = await Classifier.create(encoder, labels);
    assert.equal((await all.classify('image')).length, 10);
    assert.equal((await all.classify('image', { topK: 100 })).length, 12);
  });

  test("later changes of the caller's array have no effect", async () => {
    const labels = names('label', 3);
    const { encoder } = encoderOf(labels, 8);
    await using classifier = await Classifier.create(encoder, labels);
    labels.fill('another');
    for (const { label, index } of await classifier.classify('image')) {
      assert.equal(label, `label ${index}`);
    }
  });

  test('a failure of the encoder, an abort and a disposal', async () => {
    const labels = names('label', 1000);
    const { encoder } = encoderOf(labels, 8);
    await assert.rejects(Classifier.create(encoder, ['unknown']), /no vector of a photo/);
    const reason = new Error('enough');
    const aborted = { signal: AbortSignal.abort(reason) };
    await assert.rejects(Classifier.create(encoder, labels, aborted), reason);
    const classifier = await Classifier.create(encoder, labels);
    await assert.rejects(classifier.rank(new Float32Array(8), aborted), reason);
    await Promise.all([classifier.dispose(), classifier.dispose()]);
    await assert.rejects(classifier.classify('image'), code('ERR_DISPOSED'));
  });

  test('arguments', async () => {
    const { encoder } = encoderOf(['cat', 'dog'], 8);
    const create = (labels: unknown, options?: unknown) =>
      Classifier.create(encoder, labels as string[], options as object);
    await assert.rejects(create('cat'), TypeError);
    await assert.rejects(create([]), /expected at least one label for labels, received \[\]/);
    await assert.rejects(create(['cat', 7]), /labels\[1\], received 7/);
    await assert.rejects(create(['cat', ' ']), RangeError);
    await assert.rejects(create(['cat'], { templates: [] }), RangeError);
    await assert.rejects(create(['cat'], { templates: ['a photo'] }), /options\.templates\[0\]/);
    await assert.rejects(create(['cat'], { onProgress: 1 }), TypeError);
    assert.deepEqual(encoder.calls, []);
    await using classifier = await create(['cat', 'dog']);
    await assert.rejects(classifier.rank(new Float32Array(7)), code('ERR_INVALID_BUFFER'));
    await assert.rejects(classifier.rank([1] as never), TypeError);
    await assert.rejects(classifier.classify('image', { topK: 0 }), RangeError);
    await assert.rejects(classifier.classify('image', { scale: 0 }), RangeError);
    const unfit = new Float32Array(8).fill(Number.NaN);
    await assert.rejects(classifier.rank(unfit), code('ERR_INVALID_BUFFER'));
  });
});

describe('ClassifierCache', () => {
  const labels = names('label', 30);
  const first = (classifier: Classifier) => classifier.classify('image', { topK: 1 });

  test('the same labels are encoded once, other labels again', async () => {
    const { encoder } = encoderOf(labels, 8);
    const cache = new ClassifierCache(encoder);
    const found = await cache.use(labels, undefined, first);
    assert.equal(encoder.calls.length, 1);
    assert.deepEqual(await cache.use([...labels], {}, first), found);
    assert.deepEqual(await cache.use(labels, { templates: ['a photo of a {}.'] }, first), found);
    assert.equal(encoder.calls.length, 1);
    await cache.use(labels.slice(1), {}, first);
    assert.equal(encoder.calls.length, 2);
    const mutable = [...labels];
    mutable.reverse();
    const reversed = await cache.use(mutable, {}, first);
    assert.equal(encoder.calls.length, 3);
    assert.equal(reversed[0]?.label, found[0]?.label);
  });

  test('concurrent calls share the encoding, and each of them may be aborted', async () => {
    const { encoder } = encoderOf(labels, 8);
    const cache = new ClassifierCache(encoder);
    let aborted = 0;
    let open = () => {};
    encoder.gate = (signal) =>
      new Promise((resolve, reject) => {
        open = resolve;
        signal?.addEventListener('abort', () => {
          aborted += 1;
          reject(signal.reason);
        });
      });
    const leaving = new AbortController();
    const reason = new Error('enough');
    const left = cache.use(labels, { signal: leaving.signal }, first);
    const stays = cache.use(labels, {}, first);
    leaving.abort(reason);
    await assert.rejects(left, reason);
    assert.equal(aborted, 0);
    open();
    assert.equal((await stays).length, 1);
    assert.equal(encoder.calls.length, 1);

    const others = labels.slice(1);
    const alone = new AbortController();
    const all = [0, 1].map(() => cache.use(others, { signal: alone.signal }, first));
    await sleep(0);
    alone.abort(reason);
    for (const call of all) await assert.rejects(call, reason);
    assert.equal(aborted, 1);
    const again = cache.use(others, {}, first);
    await sleep(0);
    open();
    assert.equal((await again).length, 1);
  });

  test('no labels are encoded if options are wrong', async () => {
    const { encoder } = encoderOf(labels, 8);
    const cache = new ClassifierCache(encoder);
    for (const options of [{ topK: 0 }, { scale: -1 }, { templates: ['a photo'] }]) {
      await assert.rejects(cache.use(labels, options, first), code('ERR_INVALID_ARG'));
    }
    assert.deepEqual(encoder.calls, []);
  });

  test('a failure is not kept', async () => {
    const { encoder } = encoderOf(labels, 8);
    const cache = new ClassifierCache(encoder);
    encoder.gate = () => Promise.reject(new Error('no'));
    await assert.rejects(cache.use(labels, {}, first), /no/);
    encoder.gate = async () => {};
    assert.equal((await cache.use(labels, {}, first)).length, 1);
  });

  test('keeps the last 16 lists, and a list in use until its calls end', async () => {
    const { encoder } = encoderOf(labels, 8);
    const cache = new ClassifierCache(encoder);
    let held: Classifier | undefined;
    await cache.use(labels, {}, async (classifier) => {
      held = classifier;
      for (let i = 1; i <= 16; i++) await cache.use(labels.slice(i), {}, first);
      assert.equal((await first(classifier)).length, 1);
    });
    await assert.rejects(first(held as Classifier), code('ERR_DISPOSED'));
    const before = encoder.calls.length;
    await cache.use(labels.slice(1), {}, first);
    assert.equal(encoder.calls.length, before);
    await cache.use(labels, {}, first);
    assert.equal(encoder.calls.length, before + 1);
  });

  test('clear releases all lists that are not in use', async () => {
    const { encoder } = encoderOf(labels, 8);
    const cache = new ClassifierCache(encoder);
    let held: Classifier | undefined;
    await cache.use(labels, {}, async (classifier) => {
      held = classifier;
      cache.clear();
      assert.equal((await first(classifier)).length, 1);
    });
    await assert.rejects(first(held as Classifier), code('ERR_DISPOSED'));
    await assert.rejects(cache.use('cat' as never, {}, first), TypeError);
  });
});
