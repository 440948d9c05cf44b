import { types } from 'node:util';
import { invalidBuffer, invalidRange, invalidType } from '../arguments';
import { isFloat16Array, ownFloats, ownView } from '../typed-array';

/** An image that is already resized, cropped and normalised. */
export interface PreprocessedInput {
  /** float32, or float16 as a Float16Array or as bits in a Uint16Array. */
  pixelValues: Float32Array | Uint16Array | ArrayBufferView;
  /** [3, S, S] or [1, 3, S, S]. */
  shape: readonly number[];
}

/**
 * Checks a caller's `{ pixelValues, shape }` and returns the library's own view of the pixels:
 * float32, or float16 as bits.
 */
export function readPixelValues(image: Record<string, unknown>): Float32Array | Uint16Array {
  const length = requireShape(image.shape);
  const { pixelValues } = image;
  const values = floats(pixelValues, 'image.pixelValues');
  if (values === undefined) {
    const expected = 'a Float32Array, Float16Array or Uint16Array';
    throw invalidType(expected, 'image.pixelValues', pixelValues);
  }
  if (values.length !== length) {
    throw invalidBuffer(`${length} numbers`, 'image.pixelValues', values);
  }
  return values;
}

function floats(value: unknown, name: string): Float32Array | Uint16Array | undefined {
  if (types.isFloat32Array(value)) return ownFloats(value, name);
  if (types.isUint16Array(value) || isFloat16Array(value)) {
    return ownView('Uint16Array', value, name);
  }
  return undefined;
}

function requireShape(shape: unknown): number {
  if (!Array.isArray(shape)) throw invalidType('[3, S, S] or [1, 3, S, S]', 'image.shape', shape);
  const [channels, height, width] = (
    shape.length === 4 && shape[0] === 1 ? shape.slice(1) : shape
  ) as unknown[];
  const square =
    typeof height === 'number' && Number.isSafeInteger(height) && height > 0 && height === width;
  if (!square || channels !== 3 || shape.length < 3 || shape.length > 4) {
    throw invalidRange('[3, S, S] or [1, 3, S, S]', 'image.shape', shape);
  }
  return 3 * height * height;
}
