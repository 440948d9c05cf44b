import { types } from 'node:util';
import { invalidBuffer, invalidRange, invalidType } from '../arguments';
import type { RawPixels } from '../native';
import { ownView } from '../typed-array';

function edge(value: unknown, name: string): number {
  if (typeof value !== 'number') throw invalidType('an integer', name, value);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw invalidRange('an integer of at least 1', name, value);
  }
  return value;
}

function isChannels(value: unknown): value is RawPixels['channels'] {
  return value === 1 || value === 3 || value === 4;
}

/**
 * Checks a caller's `{ data, width, height, channels }` and makes the library's own view of the
 * bytes.
 */
export function readRawPixels(image: Record<string, unknown>): RawPixels {
  const { data: given, channels } = image;
  if (!(types.isUint8Array(given) || types.isUint8ClampedArray(given))) {
    throw invalidType('a Uint8Array or Uint8ClampedArray', 'image.data', given);
  }
  const data = ownView('Uint8Array', given, 'image.data');
  const width = edge(image.width, 'image.width');
  const height = edge(image.height, 'image.height');
  if (!isChannels(channels)) throw invalidRange('1, 3 or 4', 'image.channels', channels);
  if (data.length !== width * height * channels) {
    throw invalidBuffer(`${width} × ${height} × ${channels} bytes`, 'image.data', data);
  }
  return { data, width, height, channels };
}
