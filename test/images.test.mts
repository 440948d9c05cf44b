// Tests which images of a folder are chosen when not all are used.
import assert from 'node:assert/strict';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { sampleImages } from '#lib/image/images';
import { decodeImage } from '#lib/image/index';
import { loadNative } from '#lib/native';
import { digits, IMAGES } from './support/digits.mts';
import { clip } from './support/images.mts';
import { temporaryFolder } from './support/temporary.mts';

const PREPROCESSING = clip(56);
const folder = temporaryFolder();

async function pixelsOf(path: string): Promise<Float32Array> {
  const raw = await decodeImage(path, { maxPixels: 1e6, autoOrient: false, transfer: false });
  return loadNative().preprocess(raw, PREPROCESSING);
}

async function assertSample(found: Float32Array, paths: readonly string[]): Promise<void> {
  const expected = await Promise.all(paths.map(pixelsOf));
  const length = 3 * 56 * 56;
  assert.equal(found.length, paths.length * length);
  for (const [i, image] of expected.entries()) {
    assert.deepEqual(found.subarray(i * length, (i + 1) * length), image, paths[i] as string);
  }
}

test('the requested number, spread evenly over all images', async () => {
  const all = digits('gallery');
  const found = await sampleImages([join(IMAGES, 'gallery')], 8, PREPROCESSING);
  const picked = all.filter((_, i) => [0, 12, 25, 37, 50, 62, 75, 87].includes(i));
  assert.equal(all.length, 100);
  await assertSample(found, picked);
});

test('all images if there are few; others replace those that cannot be decoded', async () => {
  const names = digits('gallery').slice(0, 4);
  await mkdir(join(folder, 'some'));
  for (const [i, path] of names.entries()) await copyFile(path, join(folder, 'some', `${i}.png`));
  await writeFile(join(folder, 'some', '0.png'), 'no image');
  const places = [join(folder, 'some'), names[0] as string];
  const [first, ...rest] = names as [string, ...string[]];
  await assertSample(await sampleImages(places, 32, PREPROCESSING), [...rest, first]);
  // Of [0, 1, 2, 3, first], images 0 and 2 are chosen. 0 cannot be decoded, and 1 is its first
  // substitute.
  const [one, two] = rest as [string, string];
  await assertSample(await sampleImages(places, 2, PREPROCESSING), [two, one]);
});

test('an abort ends the search', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  const sampling = sampleImages([join(IMAGES, 'gallery')], 8, PREPROCESSING, signal);
  await assert.rejects(sampling, /enough/);
});
