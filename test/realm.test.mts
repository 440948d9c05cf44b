// Tests this library under test runners such as jest: in a realm of their own, with timers that
// never fire.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FAKE_DIM, fakePackage, fakePixels, fakeTextBundle } from './support/fake-engine.mts';
import { createRealm } from './support/realm.mts';
import { temporaryFolder } from './support/temporary.mts';

type Library = typeof import('llm2clip');

const folder = temporaryFolder();
const image = fileURLToPath(new URL('./fixtures/images/china.jpg', import.meta.url));
const realm = createRealm();
const Foreign = realm.evaluate<Float32ArrayConstructor>('Float32Array');
let library: Library;
let model: Awaited<ReturnType<Library['LLM2CLIP']['load']>>;

before(async () => {
  const path = fakePackage(join(folder, 'package'));
  library = realm.require<Library>(join(path, 'dist', 'index.js'));
  model = await library.LLM2CLIP.load(await fakeTextBundle(join(folder, 'bundle'), 0));
});
after(() => model.dispose());

function assertOfTheRealm(array: unknown): void {
  assert.ok(array instanceof Foreign);
  assert.ok(!(array instanceof Float32Array));
}

test('the realm is another one', () => assert.notEqual(Foreign, Float32Array));

describe('a result is an instance of the realm’s Float32Array', () => {
  const pixels = (first: number) => fakePixels(first);
  const results: Record<string, () => Promise<unknown>> = {
    'encodeImage of pixels': () => model.encodeImage(pixels(1)),
    'encodeImage of a file': () => model.encodeImage(image),
    'encodeImage of bytes, transferred': () =>
      model.encodeImage(new Uint8Array(readFileSync(image)), { transfer: true }),
    'encodeImage with a time-out': () => model.encodeImage(image, { timeoutMs: 3_600_000 }),
    encodeImages: async () => (await model.encodeImages([pixels(1), pixels(2)])).data,
    'a row of encodeImages': async () => (await model.encodeImages([pixels(1)])).row(0),
    embedStream: async () => {
      for await (const { embedding } of model.embedStream([pixels(1)])) return embedding;
      return undefined;
    },
    encodeText: () => model.encodeText('a photo'),
    'encodeText again': () => model.encodeText('a photo'),
    'encodeText to a feature': () => model.encodeText('a', { output: 'feature' }),
    encodeTexts: async () => (await model.encodeTexts(['a', 'photo'])).data,
    encodeTextFeatures: async () =>
      (await model.encodeTextFeatures(new Float32Array(FAKE_DIM).fill(1))).data,
    similarity: async () =>
      (await library.similarity(new Float32Array([1, 0]), new Float32Array([1, 0]))).data,
    'VectorIndex.search': async () => {
      const index = library.VectorIndex.create({ dim: 2 });
      await index.add(new Float32Array([1, 0, 0, 1]));
      return (await index.search(new Foreign([1, 0]))).scores;
    },
    classEmbeddings: async () =>
      library.classEmbeddings({ data: new Float32Array([1, 0]), shape: [1, 2] }, 1).data,
  };
  for (const [name, give] of Object.entries(results)) {
    test(name, async () => assertOfTheRealm(await give()));
  }

  test('with out, it is the array that was given', async () => {
    for (const out of [new Float32Array(FAKE_DIM), new Foreign(FAKE_DIM)]) {
      assert.equal(await model.encodeImage(pixels(1), { out }), out);
      assert.equal(await model.encodeText('a', { out }), out);
    }
  });
});

test('arrays of both realms are accepted', async () => {
  const { pixelValues, shape } = fakePixels(7);
  for (const values of [pixelValues, new Foreign(pixelValues)]) {
    const [first] = await model.encodeImage({ pixelValues: values, shape }, { normalize: false });
    assert.equal(first, 7);
    const matrix = { data: new Foreign([1, 0]), shape: [1, 2] as const };
    assert.deepEqual(library.recall(matrix, matrix, { at: [1] }).textToImage[0], 1);
  }
});

test('nothing waits for a timer of the realm', async () => {
  const classifier = await model.classifier(['a', 'photo']);
  assert.equal((await classifier.classify(image)).length, 2);
  await classifier.dispose();
  const path = join(folder, 'x.index');
  const index = library.VectorIndex.create({ dim: 2 });
  await index.add(new Float32Array([1, 0, 0, 1]), ['a', 'b']);
  await index.save(path);
  const opened = await library.VectorIndex.open(path);
  assert.equal(opened.size, 2);
  await Promise.all([index.dispose(), opened.dispose()]);
});
