// Tests the cache of text embeddings through the public API: what it saves, and what it never
// returns.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { LLM2CLIP, LoadOptions, TextCacheOptions } from 'llm2clip';
import {
  type AdapterPreset,
  writeSyntheticAdapter,
  writeSyntheticLlama,
} from '../tools/synthetic/text-towers.mts';
import { writeTinyTokenizer } from '../tools/synthetic/tokenizer.mts';
import { convertModel, loadModel } from './support/device.mts';
import { temporaryFolder } from './support/temporary.mts';
import { numbered } from './support/text-vectors.mts';
import { cosine } from './support/vectors.mts';

const folder = temporaryFolder();
const dim = 48;
const texts = numbered(12, 'a cat, number ');

interface Text {
  llm: number;
  adapter: number;
  preset: AdapterPreset;
  words: string[];
}

/** Makes a bundle of a tiny language model and adapter with these seeds. */
async function bundleOf(name: string, of: Partial<Text> = {}): Promise<string> {
  const { llm = 1, adapter = 1, preset = 'adapter-tiny', words = ['cat'] } = of;
  const [source, out] = [join(folder, `${name}-checkpoint`), join(folder, name)];
  await writeSyntheticLlama(source, 'llama-tiny', { dtype: 'f32', seed: llm });
  writeTinyTokenizer(source, words);
  const options = { dtype: 'f32', seed: adapter } as const;
  const checkpoint = await writeSyntheticAdapter(join(source, 'adapter'), preset, options);
  await convertModel(checkpoint, { out, llm: source, precision: 'fp32' });
  return out;
}

const load = (bundle: string, textCache?: TextCacheOptions | false, more: LoadOptions = {}) =>
  loadModel(bundle, { threads: 1, ...(textCache !== undefined && { textCache }), ...more });

/** Compares embeddings of different batches, whose kernels may round differently. */
const assertAlike = (found: Float32Array, expected: Float32Array) =>
  assert.ok(cosine(found, expected) >= 0.99999);

/** Returns the number of texts that the language model has read. */
const read = (model: LLM2CLIP) => model.stats().text?.requests.submitted ?? Number.NaN;

let bundle: string;
before(async () => {
  bundle = await bundleOf('one');
});

test('a text is computed once, and gives the same numbers each time', async () => {
  await using plain = await load(bundle, false);
  const uncached = await plain.encodeTexts(texts);
  assert.equal(plain.stats().text?.cache, undefined);
  // Another queue limit gives another engine with its own counts.
  await using model = await load(bundle, undefined, { batching: { maxQueue: 1000 } });
  const first = await model.encodeTexts(texts);
  assertAlike(first.data, uncached.data);
  const raw = await model.encodeTexts(texts, { normalize: false });
  assertAlike(raw.row(3), first.row(3));
  for (let round = 0; round < 2; round++) {
    assert.deepEqual((await model.encodeTexts(texts)).data, first.data);
    assert.deepEqual((await model.encodeTexts(texts, { normalize: false })).data, raw.data);
    assert.deepEqual(await model.encodeText(`${texts[3]} \n`), first.row(3));
    assert.equal(read(model), texts.length);
  }
  const { hits, misses, entries } = model.stats().text?.cache ?? {};
  assert.deepEqual([hits, misses, entries], [5 * 12 + 2, 12, 12]);
});

test('equal texts in one call are computed once', async () => {
  await using model = await load(bundle, {}, { batching: { maxQueue: 999 } });
  const { data, row } = await model.encodeTexts([...texts, ...texts]);
  assert.equal(read(model), texts.length);
  assert.deepEqual(data.subarray(0, 12 * dim), data.subarray(12 * dim));
  assert.notDeepEqual(row(0), row(1));
});

test('embeddings are written to the given memory, and are not shared with other callers', async () => {
  await using model = await load(bundle);
  const [text = ''] = texts;
  const own = await model.encodeText(text);
  const out = new Float32Array(dim + 3).fill(9);
  assert.equal(await model.encodeText(text, { out }), out);
  assert.deepEqual([...out], [...own, 9, 9, 9]);
  out.fill(0);
  assert.deepEqual(await model.encodeText(text), own);
  const lent = new Float32Array(dim);
  const lost = model.encodeText(text, { out: lent });
  structuredClone(lent, { transfer: [lent.buffer] });
  await assert.rejects(lost, { code: 'ERR_INVALID_BUFFER' });
});

test('features are computed each time', async () => {
  await using model = await load(bundle, {}, { batching: { maxQueue: 998 } });
  for (let round = 1; round < 3; round++) {
    await model.encodeTexts(texts, { output: 'feature' });
    assert.equal(read(model), round * texts.length);
  }
  assert.equal(model.stats().text?.cache?.entries, 0);
});

describe('callers', () => {
  test('that leave or time out do not disturb the others', async () => {
    await using model = await load(bundle);
    const abort = new AbortController();
    const [aborted, late, stays] = [
      model.encodeText('shared', { signal: abort.signal }),
      model.encodeText('shared', { timeoutMs: 0 }),
      model.encodeText('shared'),
    ];
    abort.abort(new Error('enough'));
    await assert.rejects(aborted, /enough/);
    // So small a model may still be in time.
    await late.catch((error) => assert.equal(error.code, 'ERR_TIMEOUT'));
    await using plain = await load(bundle, false);
    assertAlike(await stays, await plain.encodeText('shared'));
  });

  test('that all leave end the computation, and the next caller is served', async () => {
    await using model = await load(bundle);
    for (let round = 0; round < 20; round++) {
      const abort = new AbortController();
      const { signal } = abort;
      const asked = [1, 2].map(() => model.encodeText('left alone', { signal }));
      if (round % 2 === 0) await new Promise(setImmediate);
      abort.abort();
      for (const result of await Promise.allSettled(asked)) {
        if (result.status === 'rejected') assert.equal(result.reason.name, 'AbortError');
      }
    }
    assert.equal((await model.encodeText('left alone')).length, dim);
  });
});

describe('a file', () => {
  test('saves runs of the language model after a restart', async () => {
    const file = join(folder, 'restart.vectors');
    const first = await load(bundle, { file });
    const { data } = await first.encodeTexts(texts);
    await first.dispose();
    await using second = await load(bundle, { file }, { batching: { maxQueue: 997 } });
    assert.deepEqual((await second.encodeTexts(texts)).data, data);
    assert.equal(read(second), 0);
    assert.deepEqual(second.stats().text?.cache?.hits, texts.length);
  });

  for (const [name, other] of [
    ['language model', { llm: 2 }],
    ['adapter', { adapter: 2 }],
    ['tokenizer', { words: ['number'] }],
  ] as const) {
    test(`is not used for a bundle with another ${name}`, async () => {
      const file = join(folder, `${name}.vectors`);
      const owner = await load(bundle, { file });
      const { data } = await owner.encodeTexts(texts);
      await owner.dispose();
      const bytes = await readFile(file);
      const another = await bundleOf(`another ${name}`, {
        ...other,
        words: [...(other.words ?? ['cat'])],
      });
      const warnings: string[] = [];
      const logger = (level: string, message: string) => level === 'warn' && warnings.push(message);
      await using model = await load(another, { file }, { logger });
      await using plain = await load(another, false);
      const found = await model.encodeTexts(texts);
      assertAlike(found.data, (await plain.encodeTexts(texts)).data);
      assert.ok(cosine(found.data, data) < 0.999);
      assert.match(warnings.join(), /not kept in .*: the file is of another bundle/);
      assert.deepEqual(await readFile(file), bytes);
    });
  }
});

test('options are checked', async () => {
  for (const textCache of [
    ...[null, true, 'file', { maxEntries: 0 }, { maxEntries: 1.5 }, { maxEntries: '1' }],
    ...[{ maxBytes: -1 }, { maxBytes: Number.POSITIVE_INFINITY }, { file: '' }, { file: 7 }],
  ]) {
    await assert.rejects(load(bundle, textCache as TextCacheOptions), (error: Error) => {
      assert.match(error.message, /^expected .* for options\.textCache.*, received /);
      return (error as { code?: string }).code === 'ERR_INVALID_ARG';
    });
  }
});
