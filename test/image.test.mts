// Tests that images become the pixels of Pillow and CLIPImageProcessorPil, bit for bit.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { decodeImage, type EncodedImage } from '#lib/image/index';
import { loadNative, type RawPixels } from '#lib/native';
import {
  bytesOf,
  clip,
  difference,
  type Golden,
  goldenCrop,
  goldens,
  image,
  pattern,
  sha256,
} from './support/images.mts';

const OPTIONS = { maxPixels: 268_402_689, autoOrient: false, transfer: false };

/**
 * Largest allowed byte difference at 56 px. For AVIF, libheif repeats chroma where Pillow's libavif
 * blends it.
 */
const BOUNDED: Record<string, number> = { 'rgb.avif': 12 };

function decode(input: EncodedImage, autoOrient = false): Promise<RawPixels> {
  return decodeImage(input, { ...OPTIONS, autoOrient });
}

async function preprocess(golden: Golden, size: number): Promise<Float32Array> {
  const pixels = await decode(image(golden.file), golden.autoOrient);
  return loadNative().preprocess(pixels, clip(size));
}

for (const golden of goldens) {
  const { file, autoOrient } = golden;
  const bound = BOUNDED[file];
  test(`${file}${autoOrient ? ', oriented' : ''}`, async () => {
    const crop = bytesOf(await preprocess(golden, 56));
    const found = difference(crop, await goldenCrop(golden));
    if (bound !== undefined) {
      assert.ok(found.count > 0, 'no longer differs: take it out of BOUNDED');
      assert.ok(found.largest <= bound, `largest difference ${found.largest}`);
      return;
    }
    assert.deepEqual(found, { count: 0, largest: 0 });
    for (const [size, expected] of Object.entries(golden.sizes)) {
      const floats = await preprocess(golden, Number(size));
      assert.equal(sha256(bytesOf(floats)), expected.crop, `bytes at ${size}`);
      assert.equal(sha256(floats), expected.floats, `floats at ${size}`);
    }
  });
}

test('EXIF orientations are distinguished, but only with autoOrient', () => {
  const crops = (oriented: boolean): Set<string | undefined> =>
    new Set(
      goldens
        .filter(({ file, autoOrient }) => file.startsWith('exif-') && autoOrient === oriented)
        .map(({ sizes }) => sizes['336']?.crop),
    );
  assert.equal(crops(false).size, 1);
  assert.equal(crops(true).size, 8);
});

test('the bytes of a file decode like the file', async () => {
  const expected = await decode(image('baseline-420.jpg'));
  const file = await readFile(image('baseline-420.jpg'));
  const alone = Uint8Array.from(file);
  const shared = new SharedArrayBuffer(file.length);
  new Uint8Array(shared).set(file);
  for (const bytes of [file, alone, alone.buffer, shared]) {
    assert.deepEqual(await decode(bytes), expected);
  }
});

test('grey and RGBA pixels preprocess like the corresponding RGB', async () => {
  for (const channels of [1, 4] as const) {
    const image = pattern(150, 101, channels);
    const rgb = Uint8Array.from(
      { length: 150 * 101 * 3 },
      (_, i) => image.data[Math.floor(i / 3) * channels + (channels === 1 ? 0 : i % 3)] ?? 0,
    );
    const expected = await loadNative().preprocess({ ...image, data: rgb, channels: 3 }, clip(56));
    assert.deepEqual(await loadNative().preprocess(image, clip(56)), expected);
  }
});

test('an image of the target size is not resized', async () => {
  const image = pattern(64, 64, 3);
  assert.deepEqual(bytesOf(await loadNative().preprocess(image, clip(64))), image.data);
});
