// Tests `llm2clip index` and `llm2clip search` with a real engine.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFile,
  cp,
  mkdir,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { basename, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { LLM2CLIP, VectorIndex } from 'llm2clip';
import { listImages } from '#lib/image/folder';
import { llm2clip, MAIN } from './support/cli.mts';
import { convertModel } from './support/device.mts';
import { CHECKPOINT, digits } from './support/digits.mts';
import { temporaryFolder } from './support/temporary.mts';
import { wholeBundle } from './support/text-bundle.mts';
import { until } from './support/until.mts';
import { cosine } from './support/vectors.mts';

const folder = temporaryFolder();
const bundle = join(folder, 'digits.bundle');
const images = join(folder, 'pictures');
const out = join(folder, 'pictures.index');
const SOURCES = digits('gallery').slice(0, 40);

interface Summary {
  pictures: number;
  added: number;
  updated: number;
  unchanged: number;
  failed: number;
  failedBefore: number;
  removed: number;
}

const index = (...more: string[]) =>
  llm2clip('index', images, '--bundle', bundle, '--out', out, '--json', ...more);
const counts = (result: { json(): unknown[] }) => {
  const { added, updated, unchanged, failed, failedBefore, removed } = result
    .json()
    .at(-1) as Summary;
  return { added, updated, unchanged, failed, failedBefore, removed };
};
const NONE = { added: 0, updated: 0, unchanged: 0, failed: 0, failedBefore: 0, removed: 0 };

before(async () => {
  await convertModel(CHECKPOINT, { out: bundle, precision: 'fp32' });
  await mkdir(join(images, 'below'), { recursive: true });
  for (const [i, source] of SOURCES.entries()) {
    await copyFile(source, join(images, i % 2 === 0 ? 'below' : '.', basename(source)));
  }
});

describe('llm2clip index', () => {
  test('embeds a folder, and reports a bad image once', async () => {
    await writeFile(join(images, 'bad.png'), 'no image');
    const first = await index();
    assert.equal(first.code, 1, first.stderr);
    assert.deepEqual(counts(first), { ...NONE, added: 40, failed: 1 });
    const [failure] = first.json() as { image: string; error: { code: string } }[];
    assert.equal(failure?.image, join(images, 'bad.png'));
    assert.equal(failure?.error.code, 'ERR_IMAGE_UNSUPPORTED');
    const second = await index();
    assert.equal(second.code, 0);
    assert.deepEqual(counts(second), { ...NONE, unchanged: 40, failedBefore: 1 });
    const plain = await llm2clip('index', images, '--bundle', bundle, '--out', out);
    assert.equal(
      plain.stdout,
      `${out}: 40 images (0 added, 0 updated, 40 unchanged, 0 failed, 1 failed before)\n`,
    );
  });

  test('encodes changed images, and drops deleted ones if asked', async () => {
    const bad = join(images, 'bad.png');
    await copyFile(SOURCES[0] as string, bad);
    const touched = join(images, basename(SOURCES[1] as string));
    await utimes(touched, 1, 1);
    await rm(join(images, basename(SOURCES[3] as string)));
    assert.deepEqual(counts(await index()), { ...NONE, updated: 2, unchanged: 38 });
    assert.deepEqual(counts(await index('--prune')), { ...NONE, unchanged: 40, removed: 1 });
    await using opened = await VectorIndex.open(out);
    assert.equal(opened.size, 40);
    assert.equal(opened.storage, 'int8');
  });

  test('many changes do not enlarge the file', async () => {
    const { size } = await stat(out);
    const paths = await listImages([images]);
    for (let round = 2; round < 4; round++) {
      for (const path of paths) await utimes(path, round, round);
      assert.deepEqual(counts(await index()), { ...NONE, updated: 40 });
    }
    assert.ok((await stat(out)).size < 2 * size);
  });

  test('an empty folder, another bundle, another storage, another file', async () => {
    const empty = join(folder, 'empty');
    await mkdir(empty);
    const none = await llm2clip('index', empty, '--bundle', bundle, '--out', join(folder, 'x'));
    assert.equal(none.code, 1);
    assert.match(none.stderr, /ERR_NOT_FOUND: expected images in .*empty, found none/);
    const other = join(folder, 'other.bundle');
    await cp(bundle, other, { recursive: true });
    const manifest = join(other, 'llm2clip.json');
    await writeFile(manifest, (await readFile(manifest, 'utf8')).replace('0.48145466', '0.5'));
    const mixed = await llm2clip('index', images, '--bundle', other, '--out', out);
    assert.equal(mixed.code, 1);
    assert.match(mixed.stderr, /ERR_ENGINE_INCOMPATIBLE: expected the bundle .*digits\.bundle/);
    const stored = await index('--storage', 'fp16');
    assert.equal(stored.code, 2);
    assert.match(stored.stderr, /expected --storage int8/);
    const foreign = join(folder, 'foreign.index');
    await VectorIndex.create({ dim: 64 }).save(foreign);
    const vectors = await llm2clip('index', images, '--bundle', bundle, '--out', foreign);
    assert.equal(vectors.code, 1);
    assert.match(vectors.stderr, /ERR_INDEX_INVALID: .*llm2clip index/);
    const usage = await llm2clip('index', images);
    assert.equal(usage.code, 2);
  });

  test('of two processes, one gets ERR_INDEX_LOCKED', async () => {
    const holder = await VectorIndex.open(out, { append: true });
    const second = await index();
    assert.equal(second.code, 1);
    assert.match(second.stderr, /ERR_INDEX_LOCKED/);
    await holder.dispose();
  });

  test('killed at any moment, it can continue; nothing is lost or duplicated', async () => {
    const killed = join(folder, 'killed.index');
    const many = join(folder, 'many');
    for (let i = 0; i < 8; i++)
      await cp(join(images, 'below'), join(many, String(i)), { recursive: true });
    const words = ['index', many, '--bundle', bundle, '--out', killed, '--json'];
    const bytes = async () => (await stat(killed).catch(() => undefined))?.size ?? 0;
    let before = 0;
    for (let round = 0; round < 4; round++) {
      const begin = await bytes();
      const child = spawn(process.execPath, [MAIN, ...words], { stdio: 'ignore' });
      const closed = once(child, 'close');
      // The images of one step take 3 kB.
      const isAt = async () => child.exitCode !== null || (await bytes()) > begin + 2500 * round;
      await until(isAt, 'a longer index');
      child.kill('SIGKILL');
      await closed;
      const there = await stat(killed).catch(() => undefined);
      if (there === undefined) continue;
      await using opened = await VectorIndex.open(killed);
      assert.ok(opened.size >= before);
      before = opened.size;
    }
    const last = await llm2clip(...words);
    assert.equal(last.code, 0, last.stderr);
    const { added, unchanged } = counts(last);
    assert.equal(added + unchanged, 160);
    await using opened = await VectorIndex.open(killed);
    const { ids } = await opened.search(new Float32Array(opened.dim).fill(1), { k: 1000 });
    assert.equal(new Set(ids).size, 160);
  });

  test('a torn tail is encoded again', async () => {
    await truncate(out, (await stat(out)).size - 5);
    const again = await index();
    assert.equal(again.code, 0, again.stderr);
    const { added, updated, unchanged } = counts(again);
    assert.equal(added + updated + unchanged, 40);
    assert.deepEqual(counts(await index()), { ...NONE, unchanged: 40 });
    await using opened = await VectorIndex.open(out);
    assert.equal(opened.size, 40);
  });
});

describe('llm2clip search', () => {
  const image = () => join(images, 'below', basename(SOURCES[2] as string));

  test('--json: the best results for each image, by the cosines of the embeddings', async () => {
    const { json, code, stderr } = await llm2clip('search', out, image(), '--json', '-k', '12');
    assert.equal(code, 0, stderr);
    const [line] = json() as { query: string; results: { image: string; score: number }[] }[];
    assert.equal(line?.query, image());
    assert.equal(line.results.length, 12);
    await using model = await LLM2CLIP.load(bundle);
    const query = await model.encodeImage(image());
    const paths = await listImages([images]);
    const { row } = await model.encodeImages(paths);
    const exact = new Map(paths.map((path, i) => [path, cosine(query, row(i))]));
    const least = [...exact.values()].sort((a, b) => b - a)[11] as number;
    for (const { image, score } of line.results) {
      assert.ok(Math.abs(score - (exact.get(image) as number)) < 0.005);
      assert.ok(score > least - 0.005);
    }
  });

  test('text: one score and path per line; a bad image is reported, the others are searched', async () => {
    const good = await llm2clip('search', out, image(), '--count', '2');
    assert.match(good.stdout, /^(\d\.\d{4}\t\/.*\n){2}$/);
    const mixed = await llm2clip('search', out, '/nowhere.png', image());
    assert.equal(mixed.code, 1);
    assert.match(mixed.stderr, /ERR_NOT_FOUND/);
    assert.match(mixed.stdout, /^\/nowhere\.png:\n.*:\n[01]\.\d{4}\t/);
  });

  test('the bundle is found where it was, or passed as an option', async () => {
    const moved = join(folder, 'moved.bundle');
    await cp(bundle, moved, { recursive: true });
    const named = await llm2clip('search', out, image(), '--bundle', moved);
    assert.equal(named.code, 0, named.stderr);
    const other = join(folder, 'other.bundle');
    const refused = await llm2clip('search', out, image(), '--bundle', other);
    assert.match(refused.stderr, /ERR_ENGINE_INCOMPATIBLE/);
    const copy = join(folder, 'copy.index');
    await writeFile(copy, await readFile(out));
    await rm(bundle, { recursive: true });
    const lost = await llm2clip('search', copy, image());
    assert.equal(lost.code, 1);
    assert.match(lost.stderr, /ERR_NOT_FOUND/);
  });

  test('wrong usage', async () => {
    for (const words of [
      [],
      [out],
      [out, 'x.png', '-k', '0'],
      [out, 'x.png', '--nonsense'],
      [out, 'x.png', '--image', '--text'],
    ]) {
      assert.equal((await llm2clip('search', ...words)).code, 2);
    }
    for (const command of ['index', 'search']) {
      const { code, stdout } = await llm2clip(command, '--help');
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`Usage: llm2clip ${command}`));
    }
  });
});

describe('llm2clip search, by text', () => {
  const texts = join(folder, 'texts.index');
  let whole: string;
  before(async () => {
    whole = await wholeBundle(join(folder, 'whole'));
    const made = ['index', images, '--bundle', whole, '--out', texts, '--storage', 'fp32'];
    const { code, stderr } = await llm2clip(...made);
    assert.equal(code, 0, stderr);
  });

  test('a word that is no file is a text: its best images, by the cosines', async () => {
    const query = 'a photo of the red car';
    const { json, code, stderr } = await llm2clip('search', texts, query, '--json', '-k', '5');
    assert.equal(code, 0, stderr);
    const [line] = json() as { query: string; results: { image: string; score: number }[] }[];
    assert.equal(line?.query, query);
    await using model = await LLM2CLIP.load(whole);
    const vector = await model.encodeText(query);
    const paths = await listImages([images]);
    const { row } = await model.encodeImages(paths);
    const exact = new Map(paths.map((path, i) => [path, cosine(vector, row(i))]));
    const scores = [...exact.values()].sort((a, b) => b - a);
    assert.equal(line.results.length, 5);
    for (const [place, { image, score }] of line.results.entries()) {
      assert.ok(Math.abs(score - (exact.get(image) as number)) < 1e-5);
      assert.ok(Math.abs(score - (scores[place] as number)) < 1e-5);
    }
  });

  test('images and texts together; options choose one of them', async () => {
    const image = join(images, 'below', basename(SOURCES[2] as string));
    const mixed = await llm2clip('search', texts, image, 'a cat', '-k', '1');
    assert.match(mixed.stdout, /^\/.*\.png:\n1\.0000\t.*\na cat:\n-?[01]\.\d{4}\t.*\n$/);
    const text = await llm2clip('search', texts, '--text', 'cat.png', '-k', '1');
    assert.match(text.stdout, /^-?[01]\.\d{4}\t/);
    for (const words of [['cat.png'], ['--image', 'a cat']]) {
      const { code, stderr } = await llm2clip('search', texts, ...words);
      assert.equal(code, 1);
      assert.match(stderr, /ERR_NOT_FOUND: expected an image at/);
    }
  });

  test('a bundle without a language model says what is missing', async () => {
    const { code, stderr } = await llm2clip(
      'search',
      out,
      'a cat',
      '--bundle',
      join(folder, 'moved.bundle'),
    );
    assert.equal(code, 1);
    assert.match(
      stderr,
      /ERR_ENGINE_INCOMPATIBLE: expected a bundle with a language model, found vision.*; .*--llm/,
    );
  });
});
