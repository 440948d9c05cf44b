// Tests classification and evaluation end to end with a complete tiny model, against timm,
// transformers and PyTorch on the same images and texts.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Classification, type LLM2CLIP, recall } from 'llm2clip';
import { llm2clip } from './support/cli.mts';
import { convertModel, loadModel, within } from './support/device.mts';
import { digits } from './support/digits.mts';
import { fakePackage, fakeTextBundle } from './support/fake-engine.mts';
import { Gate } from './support/gate.mts';
import { photograph, readGolden } from './support/goldens.mts';
import { temporaryFolder } from './support/temporary.mts';
import { wholeBundle, wholeCheckpoint } from './support/text-bundle.mts';
import { cosine } from './support/vectors.mts';

const path = new URL('./fixtures/goldens/whole-tiny.json', import.meta.url);
const golden: { captions: { text: string; embedding: number[] }[] } = JSON.parse(
  readFileSync(path, 'utf8'),
);
const CAPTIONS = golden.captions.filter(({ text }) => text.trim() !== '');
const LABELS = CAPTIONS.map(({ text }) => text);
/** The template is the caption itself. */
const templates = ['{}'];
const PHOTOGRAPHS = Object.entries(readGolden('eva02-tiny').embeddings);

const folder = temporaryFolder();
const code = (expected: string) => (error: { code?: string }) => error.code === expected;
let bundle: string;
let blind: string;
let model: LLM2CLIP;
before(async () => {
  bundle = await wholeBundle(folder);
  model = await loadModel(bundle);
  const { checkpoint } = await wholeCheckpoint(join(folder, 'vision'));
  blind = join(folder, 'vision.bundle');
  await convertModel(checkpoint, { out: blind, parts: ['vision'] });
});
after(() => model.dispose());

/** Computes the softmax of scaled cosines of the oracles' embeddings, best first. */
function expected(image: number[], scale: number) {
  const powers = CAPTIONS.map(({ embedding }) => Math.exp(scale * cosine(image, embedding)));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers
    .map((power, index) => ({ index, probability: power / sum }))
    .sort((a, b) => b.probability - a.probability);
}

function assertSameRanking(found: Classification[], expected: Classification[]): void {
  const order = (ranking: Classification[]) => ranking.map(({ label, index }) => [label, index]);
  assert.deepEqual(order(found), order(expected));
  for (const [place, { probability, score }] of found.entries()) {
    assert.ok(Math.abs(score - (expected[place]?.score ?? Number.NaN)) <= within(0));
    assert.ok(Math.abs(probability - (expected[place]?.probability ?? Number.NaN)) <= within(0));
  }
}

describe('classify', () => {
  test('gives the probabilities of the oracles', async () => {
    for (const [name, embedding] of PHOTOGRAPHS) {
      const options = { templates, scale: 20, topK: LABELS.length };
      const found = await model.classify(photograph(name), LABELS, options);
      const oracle = expected(embedding, options.scale);
      assert.equal(found.length, LABELS.length);
      assert.equal(found[0]?.index, oracle[0]?.index);
      for (const { label, index, probability, score } of found) {
        assert.equal(label, LABELS[index]);
        const exact = oracle.find((one) => one.index === index);
        assert.ok(Math.abs(probability - (exact?.probability ?? Number.NaN)) < within(1e-3));
        const angle = cosine(embedding, CAPTIONS[index]?.embedding ?? []);
        assert.ok(Math.abs(score - angle) < within(1e-4));
      }
    }
  });

  test('encodes labels once and each image; a classifier gives the same results', async () => {
    const [image] = digits('gallery');
    const texts = () => model.stats().text?.requests.completed ?? 0;
    const labels = ['a cat', 'a dog', 'a red car'];
    const first = await model.classify(image as string, labels);
    const before = texts();
    assertSameRanking(await model.classify(image as string, [...labels]), first);
    assert.equal(texts(), before);
    await using classifier = await model.classifier(labels);
    assertSameRanking(await classifier.classify(image as string), first);
    const embedding = await model.encodeImage(image as string);
    assertSameRanking(await classifier.rank(embedding, { topK: 1 }), first.slice(0, 1));
  });

  test('an ensemble averages directions, not probabilities', async () => {
    const prompts = ['a photo of a {}', 'the {}'];
    const [image] = digits('gallery') as [string];
    const embedding = await model.encodeImage(image);
    const [found] = await model.classify(image, ['cat'], { templates: prompts });
    const { row } = await model.encodeTexts(['a photo of a cat', 'the cat']);
    const mean = Array.from(row(0), (x, i) => (x + (row(1)[i] as number)) / 2);
    assert.ok(Math.abs((found?.score ?? Number.NaN) - cosine(embedding, mean)) < within(1e-5));
  });

  test('bad input is refused', async () => {
    const [image] = digits('gallery') as [string];
    await assert.rejects(model.classify(image, []), code('ERR_INVALID_ARG'));
    await assert.rejects(model.classify('/nowhere.png', ['cat']), code('ERR_NOT_FOUND'));
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await assert.rejects(model.classify(image, ['cat'], { signal }), reason);
    await assert.rejects(model.classify(image, ['cat'], { priority: 0.5 }), RangeError);
    await using alone = await loadModel(blind);
    await assert.rejects(alone.classify(image, ['cat']), {
      code: 'ERR_ENGINE_INCOMPATIBLE',
      message: /no language model; .*--llm/,
    });
    const closed = await loadModel(bundle);
    await closed.dispose();
    await assert.rejects(closed.classify(image, ['cat']), code('ERR_DISPOSED'));
  });
});

describe('llm2clip classify', () => {
  const images = digits('gallery').slice(0, 2) as [string, string];

  test('--json: one line per image, as from the API; a bad image is reported', async () => {
    const labels = join(folder, 'labels.txt');
    await writeFile(labels, 'cat\n\nred car\ndog\n');
    const prompts = ['--template', 'a {}', '--template', 'the {}'];
    const words = ['--labels-file', labels, ...prompts, '--top', '2', '--json'];
    const { code, json, stderr } = await llm2clip(
      'classify',
      bundle,
      ...images,
      '/no.png',
      ...words,
    );
    assert.equal(code, 1, stderr);
    const lines = json() as { image: string; labels: Classification[]; error?: { code: string } }[];
    assert.deepEqual(
      lines.map(({ image }) => image),
      [...images, '/no.png'],
    );
    assert.equal(lines[2]?.error?.code, 'ERR_NOT_FOUND');
    for (const [i, image] of images.entries()) {
      const options = { templates: ['a {}', 'the {}'], topK: 2 };
      const exact = await model.classify(image, ['cat', 'red car', 'dog'], options);
      const found = lines[i]?.labels ?? [];
      assert.deepEqual(
        found.map(({ label, index }) => [label, index]),
        exact.map(({ label, index }) => [label, index]),
      );
      for (const [place, { probability, score }] of found.entries()) {
        assert.ok(Math.abs(probability - (exact[place]?.probability ?? 0)) < within(1e-3));
        assert.ok(Math.abs(score - (exact[place]?.score ?? 0)) < within(1e-5));
      }
    }
  });

  test('as text: one probability and label per line, below the image if there are several', async () => {
    const one = await llm2clip('classify', bundle, images[0], '--labels', 'cat, dog');
    assert.match(one.stdout, /^[01]\.\d{4}\t(cat|dog)\n[01]\.\d{4}\t(cat|dog)\n$/);
    const templatesFile = join(folder, 'templates.json');
    await writeFile(templatesFile, JSON.stringify(['a {}', 'the {}']));
    const words = ['--labels', 'cat', '--templates-file', templatesFile];
    const two = await llm2clip('classify', bundle, ...images, ...words);
    assert.equal(two.stdout, images.map((image) => `${image}:\n1.0000\tcat\n`).join(''));
  });

  test('wrong usage; a bundle without a language model', async () => {
    const labels = ['--labels', 'cat'];
    for (const words of [
      [bundle, images[0]],
      [bundle, ...labels],
      [bundle, images[0], ...labels, '--labels-file', 'x'],
      [bundle, images[0], ...labels, '--template', 'no place'],
      [bundle, images[0], ...labels, '--top', '0'],
      [bundle, images[0], '--labels', 'cat,,dog'],
    ]) {
      const { code, stderr } = await llm2clip('classify', ...words);
      assert.equal(code, 2, `${words}: ${stderr}`);
    }
    const { code, stderr } = await llm2clip('classify', blind, images[0], ...labels);
    assert.equal(code, 1);
    assert.match(stderr, /ERR_ENGINE_INCOMPATIBLE: this bundle has no language model; .*--llm/);
  });
});

describe('llm2clip eval', () => {
  const names = ['cat', 'dog', 'red_car'];
  const classes = join(folder, 'classes');
  const dataset = join(folder, 'dataset');
  const images = digits('gallery').slice(0, 12);
  before(async () => {
    for (const [i, image] of images.entries()) {
      const place = join(classes, names[i % 3] as string);
      await mkdir(place, { recursive: true });
      await copyFile(image, join(place, basename(image)));
    }
    await mkdir(join(dataset, 'images'), { recursive: true });
    for (const image of images) {
      await copyFile(image, join(dataset, 'images', basename(image)));
    }
    await writeFile(join(dataset, 'images', 'bad.png'), 'no image');
    const files = [...images.map((image) => basename(image)), 'bad.png'];
    const entries = files.map((filename, i) => {
      const raw = (word: string) => ({ raw: `a ${word} number ${i}` });
      return { filename, split: 'test', sentences: [raw('photo'), raw('drawing')] };
    });
    await writeFile(join(dataset, 'dataset_flickr30k.json'), JSON.stringify({ images: entries }));
  });

  test('retrieval: recall from the embeddings; a bad image is counted and reported', async () => {
    const { code, json, stderr } = await llm2clip('eval', 'retrieval', bundle, dataset, '--json');
    assert.equal(code, 1, stderr);
    const [failure, found] = json() as Record<string, unknown>[];
    assert.deepEqual(Object.keys(failure ?? {}), ['image', 'error']);
    assert.match(stderr, /^$/);
    assert.equal(failure?.image, join(dataset, 'images/bad.png'));
    const embeddings = await model.encodeImages([...images, join(dataset, 'images/bad.png')], {
      onError: 'collect',
    });
    const texts = Array.from({ length: 26 }, (_, i) => {
      return `a ${i % 2 === 0 ? 'photo' : 'drawing'} number ${Math.floor(i / 2)}`;
    });
    const at = [1, 5, 10, 25, 50];
    const imageOfText = texts.map((_, i) => Math.floor(i / 2));
    const exact = recall(embeddings, await model.encodeTexts(texts), { imageOfText, at });
    assert.deepEqual(found, {
      annotations: join(dataset, 'dataset_flickr30k.json'),
      ...{ images: 13, texts: 26, failed: 1 },
      ...exact,
    });
    assert.equal(exact.imageToText[3], 12 / 13);
  });

  test('retrieval, as text', async () => {
    const words = ['--limit', '4', '--at', '1,10'];
    const { code, stdout } = await llm2clip('eval', 'retrieval', bundle, dataset, ...words);
    assert.equal(code, 0);
    assert.match(stdout, /dataset .*dataset_flickr30k\.json: 4 images, 8 texts/);
    assert.match(stdout, /image to text .*R@1 [\d.]+ {2}R@10 100\.0\n/);
    assert.match(stdout, /text to image .*R@10 100\.0\n/);
    assert.match(stdout, /failed +none/);
  });

  test('zeroshot: top-1 and top-5 accuracy', async () => {
    const words = ['--template', 'a {}', '--template', 'the {}', '--json'];
    const { code, json, stderr } = await llm2clip('eval', 'zeroshot', bundle, classes, ...words);
    assert.equal(code, 0, stderr);
    await using classifier = await model.classifier(['cat', 'dog', 'red car'], {
      templates: ['a {}', 'the {}'],
    });
    let right = 0;
    for (const [i, image] of images.entries()) {
      const [best] = await classifier.classify(image, { topK: 1 });
      if (best?.index === i % 3) right += 1;
    }
    const counts = { images: 12, classes: 3, templates: 2, failed: 0 };
    assert.deepEqual(json(), [{ folder: classes, ...counts, top1: right / 12, top5: 1 }]);
  });

  test('zeroshot, with names for the classes', async () => {
    const classnames = join(folder, 'names.json');
    await writeFile(classnames, JSON.stringify({ cat: 'tabby', dog: 'hound', red_car: 'car' }));
    const words = ['--classnames', classnames];
    const { code, stdout } = await llm2clip('eval', 'zeroshot', bundle, classes, ...words);
    assert.equal(code, 0);
    assert.match(stdout, /12 images of 3 classes/);
    assert.match(stdout, /top-5 +100\.0/);
    await writeFile(classnames, JSON.stringify(['tabby']));
    const few = await llm2clip('eval', 'zeroshot', bundle, classes, ...words);
    assert.equal(few.code, 2);
    assert.match(few.stderr, /expected 3 names, one per folder/);
  });

  test('wrong usage; no dataset; no language model', async () => {
    for (const words of [
      [],
      ['retrieval', bundle],
      ['retrieval', bundle, dataset, '--at', '0'],
      ['zeroshot', bundle],
      ['nonsense', bundle, dataset],
    ]) {
      const { code, stderr } = await llm2clip('eval', ...words);
      assert.equal(code, 2, `${words}: ${stderr}`);
    }
    const nowhere = await llm2clip('eval', 'retrieval', bundle, join(folder, 'nowhere'));
    assert.equal(nowhere.code, 1);
    assert.match(nowhere.stderr, /ERR_NOT_FOUND/);
    const alone = await llm2clip('eval', 'zeroshot', blind, classes);
    assert.equal(alone.code, 1);
    assert.match(alone.stderr, /ERR_ENGINE_INCOMPATIBLE: this bundle has no language model/);
  });

  test('Ctrl-C ends it at once', async (t) => {
    const few = join(folder, 'few');
    await mkdir(few);
    const entries = [{ image: 'none.jpg', caption: ['a', 'photo'] }];
    await writeFile(join(few, 'captions.json'), JSON.stringify(entries));
    const gate = await Gate.listen();
    t.after(() => gate.close());
    const main = join(fakePackage(join(folder, 'package')), 'dist/cli/main.js');
    const held = await fakeTextBundle(join(folder, 'held'), gate);
    const words = ['eval', 'retrieval', held, few, '--device', 'cpu'];
    const child = spawn(process.execPath, [main, ...words]);
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const closed = once(child, 'close');
    // The image has been tried, and a text is held. A second signal would kill the process.
    await gate.waitForRuns(1);
    child.kill('SIGINT');
    const [code] = await closed;
    assert.equal(code, 130, said);
    assert.match(said, /none\.jpg.*interrupted/s);
  });
});
