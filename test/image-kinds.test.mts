// Tests unusual variants of image files: the pixels equal Pillow's byte for byte, or the error
// names the variant that is not decoded. tools/make-image-kinds.py makes the files and names
// Pillow's version.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LLM2CLIPError } from '#lib/errors';
import { decodeImage } from '#lib/image/index';
import type { RawPixels } from '#lib/native';
import { difference } from './support/images.mts';

const fixture = (name: string) =>
  fileURLToPath(new URL(`./fixtures/image-kinds/${name}`, import.meta.url));

interface Expected {
  width: number;
  height: number;
  sha256?: string;
  /** Base64. Given for images whose bytes may differ a little. */
  rgb?: string;
}

const golden = JSON.parse(readFileSync(fixture('golden.json'), 'utf8')) as {
  pictures: Record<string, { plain: Expected; oriented: Expected }>;
  undecoded: Record<string, string>;
};

/**
 * Largest allowed byte difference in an AVIF. Its colours come from libheif, which rounds
 * differently from Pillow's libavif, and repeats subsampled chroma where libavif blends it.
 */
const AVIF_BOUND = 1;
const SUBSAMPLED_BOUND = 64;

function decode(input: string | Uint8Array, autoOrient = false): Promise<RawPixels> {
  return decodeImage(input, { maxPixels: 1e6, autoOrient, transfer: false });
}

function rgbOf({ data, channels }: RawPixels): Uint8Array {
  if (channels === 3) return data as Uint8Array;
  return Uint8Array.from({ length: 3 * data.length }, (_, i) => data[Math.floor(i / 3)] as number);
}

function assertPixels(found: RawPixels, { width, height, sha256, rgb }: Expected, bound: number) {
  assert.deepEqual([found.width, found.height], [width, height]);
  if (rgb === undefined) {
    assert.equal(createHash('sha256').update(rgbOf(found)).digest('hex'), sha256);
    return;
  }
  const { largest } = difference(rgbOf(found), Buffer.from(rgb, 'base64'));
  assert.ok(largest <= bound, `largest difference ${largest}`);
}

describe('decoded as by Pillow', () => {
  for (const [name, { plain, oriented }] of Object.entries(golden.pictures)) {
    const bound = name === 'subsampled.avif' ? SUBSAMPLED_BOUND : AVIF_BOUND;
    test(name, async () => {
      assertPixels(await decode(fixture(name)), plain, bound);
      assertPixels(await decode(fixture(name), true), oriented, bound);
    });
  }

  test('the fixtures distinguish frames and orientations', () => {
    const kinds = (pattern: RegExp, key: 'plain' | 'oriented') =>
      new Set(
        Object.entries(golden.pictures)
          .filter(([name]) => pattern.test(name))
          .map(([, { [key]: one }]) => one.sha256 ?? one.rgb),
      ).size;
    assert.equal(kinds(/^orientation-[1-8]\.tif/, 'plain'), 8);
    assert.equal(kinds(/^turned-[1-8]\.avif/, 'plain'), 1);
    assert.equal(kinds(/^turned-[1-8]\.avif/, 'oriented'), 8);
  });
});

describe('refused by name', () => {
  async function assertNamed(input: string | Uint8Array, called: string): Promise<void> {
    await assert.rejects(decode(input), (error: LLM2CLIPError) => {
      assert.ok(error instanceof LLM2CLIPError);
      assert.equal(error.code, 'ERR_IMAGE_UNSUPPORTED');
      assert.ok(error.message.includes(`found ${called};`), error.message);
      return true;
    });
  }

  for (const [name, called] of Object.entries(golden.undecoded)) {
    test(name, () => assertNamed(fixture(name), called));
  }

  const iso = (...brands: string[]) => {
    const [major = '', ...others] = brands;
    const length = 16 + 4 * others.length;
    return `\0\0\0${String.fromCharCode(length)}ftyp${major}\0\0\0\0${others.join('')}`;
  };
  /** The first bytes of files by the specifications of the formats. */
  const BEGINNINGS: Record<string, string[]> = {
    HEIC: [iso('heic', 'mif1', 'heic'), iso('mif1', 'mif1', 'heic'), iso('hevc', 'msf1', 'hevc')],
    HEIF: [iso('mif1', 'mif1'), iso('msf1', 'msf1', 'iso8')],
    CR3: [iso('crx ', 'crx ', 'isom')],
    'a video': [iso('isom', 'isom', 'mp41'), iso('qt  ', 'qt  '), '\x1aE\xdf\xa3'],
    PSD: ['8BPS\0\x01'],
    'Radiance HDR': ['#?RADIANCE\n'],
    OpenEXR: ['v/1\x01\x02\0\0\0'],
    DICOM: [`${'\0'.repeat(128)}DICM`],
    PNM: ['P1\n', 'P6 1 1 255\n', 'P7\nWIDTH 1\n'],
    'hierarchical JPEG': ['\xff\xd8\xff\xc5\0\x0b\x08\0\x01\0\x01\x01\x01\x11\0'],
    'lossless JPEG': [
      '\xff\xd8\xff\xe0\0\x04ab\xff\xc3\0\x0b\x10\0\x01\0\x01\x01\x01\x11\0',
      '\xff\xd8\xff\xff\xcb\0\x0b\x08\0\x01\0\x01\x01\x01\x11\0',
    ],
    '16-bit JPEG': ['\xff\xd8\xff\xc1\0\x0b\x10\0\x01\0\x01\x01\x01\x11\0'],
    'JPEG of 2 components': ['\xff\xd8\xff\xc0\0\x0e\x08\0\x01\0\x01\x02\x01\x11\0\x02\x11\0'],
    'CgBI PNG': ['\x89PNG\r\n\x1a\n\0\0\0\x04CgBI\x50\0\x20\x02'],
    'bytes that begin with "BMW 2002"': ['BMW 2002 is a car of the sixties, not a bitmap.'],
  };
  for (const [called, texts] of Object.entries(BEGINNINGS)) {
    test(called, async () => {
      for (const text of texts) await assertNamed(Buffer.from(text, 'latin1'), called);
    });
  }
});

test('a GIF that ends before its first frame, or within it, is corrupt', async () => {
  const whole = await readFile(fixture('partial.gif'));
  for (let length = 6; length < whole.length - 2; length += 7) {
    await assert.rejects(decode(whole.subarray(0, length)), { code: 'ERR_IMAGE_CORRUPT' });
  }
});

test('the limit of pixels applies to the canvas', async () => {
  const small = { maxPixels: 1000, autoOrient: false, transfer: false };
  await assert.rejects(decodeImage(fixture('partial.gif'), small), {
    code: 'ERR_IMAGE_TOO_LARGE',
    message: /40 × 30/,
  });
});
