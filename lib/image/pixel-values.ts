import { types } from 'node:util';
import { invalidBuffer, invalidRange, invalidType } from '../arguments';

/** Pixels that are already resized, cropped and normalised. */
export interface PreprocessedInput {
  /** float32, or float16 as a Float16Array or as its bits in a Uint16Array. */
  pixelValues: Float32Array | Uint16Array | ArrayBufferView;
  /** [3, S, S] or [1, 3, S, S]. */
  shape: readonly number[];
}

/** A caller's `{ pixelValues, shape }`, checked: float32, or float16 as its bits. */
export function readPixelValues(image: Record<string, unknown>): Float32Array | Uint16Array {
  const length = requireShape(image.shape);
  const values = floats(image.pixelValues);
  if (values === undefined) {
    const expected = 'a Float32Array, Float16Array or Uint16Array';
    throw invalidType(expected, 'image.pixelValues', image.pixelValues);
  }
  if (values.length !== length) {
    throw invalidBuffer(`${length} numbers`, 'image.pixelValues', values);
  }
  return values;
}

/** Node 20 has no Float16Array of its own; where there is one, it is known by its name. */
function floats(value: unknown): Float32Array | Uint16Array | undefined {
  if (types.isFloat32Array(value) || types.isUint16Array(value)) return value;
  const name = Object.prototype.toString.call(value);
  if (name !== '[object Float16Array]' || !ArrayBuffer.isView(value)) return undefined;
  return new Uint16Array(value.buffer, value.byteOffset, value.byteLength / 2);
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
