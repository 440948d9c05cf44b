import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { CLIP_MEAN, CLIP_STD, type Preprocessing } from '#lib/image/preprocessing';
import type { RawPixels } from '#lib/native';

/**
 * A golden that tools/make-image-goldens.py writes: sha256 of the crop's bytes and of its floats.
 */
export interface Golden {
  file: string;
  autoOrient: boolean;
  /** Row of the image's crop at 56 px in golden-56.png. */
  row: number;
  sizes: Record<string, { crop: string; floats: string }>;
}

export const image = (file: string): string =>
  fileURLToPath(new URL(`../fixtures/images/${file}`, import.meta.url));

export const goldens = (
  JSON.parse(readFileSync(image('golden.json'), 'utf8')) as { pictures: Golden[] }
).pictures;

export const clip = (size: number): Preprocessing => ({
  size,
  resample: 'bicubic',
  mean: CLIP_MEAN,
  std: CLIP_STD,
});

export function sha256(data: ArrayBufferView): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return createHash('sha256').update(bytes).digest('hex');
}

/** Recovers the bytes [S, S, 3] from normalised floats [3, S, S]. */
export function bytesOf(floats: Float32Array): Uint8Array {
  const plane = floats.length / 3;
  return Uint8Array.from({ length: floats.length }, (_, i) => {
    const c = (i % 3) as 0 | 1 | 2;
    const float = floats[c * plane + Math.floor(i / 3)] ?? Number.NaN;
    return Math.round((float * CLIP_STD[c] + CLIP_MEAN[c]) * 255);
  });
}

/** Returns Pillow's crop at 56 px. */
export async function goldenCrop({ row }: Golden): Promise<Uint8Array> {
  return sharp(image('golden-56.png'))
    .extract({ left: 0, top: row * 56, width: 56, height: 56 })
    .raw()
    .toBuffer();
}

export interface Difference {
  /** Number of bytes that differ. */
  count: number;
  largest: number;
}

export function difference(a: Uint8Array, b: Uint8Array): Difference {
  if (a.length !== b.length) throw new RangeError(`${a.length} bytes beside ${b.length}`);
  const found = { count: 0, largest: 0 };
  for (const [i, value] of a.entries()) {
    const distance = Math.abs(value - (b[i] ?? 0));
    if (distance > 0) found.count++;
    found.largest = Math.max(found.largest, distance);
  }
  return found;
}

/** Makes an image of raw pixels from a formula. */
export function pattern(width: number, height: number, channels: 1 | 3 | 4): RawPixels {
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < data.length; i++) data[i] = (i * 2654435761) >>> 24;
  return { data, width, height, channels };
}
