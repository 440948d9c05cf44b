import { types } from 'node:util';
import { invalidBuffer, invalidRange, invalidType } from '../arguments';
import { widenFloat16 } from './float16';

/** Pixels that are already resized, cropped and normalised. */
export interface PreprocessedInput {
  /** float32, or float16 as a Float16Array or as its bits in a Uint16Array. */
  pixelValues: Float32Array | Uint16Array | ArrayBufferView;
  /** [3, S, S] or [1, 3, S, S]. */
  shape: readonly number[];
}

/** A caller's `{ pixelValues, shape }`, checked and copied to float32. */
export function readPixelValues(image: Record<string, unknown>): { pixelValues: Float32Array } {
  const length = requireShape(image.shape);
  const values = image.pixelValues;
  if (!isFloats(values)) {
    throw invalidType('a Float32Array, Float16Array or Uint16Array', 'image.pixelValues', values);
  }
  if (values.length !== length) {
    throw invalidBuffer(`${length} numbers`, 'image.pixelValues', values);
  }
  return {
    pixelValues: types.isUint16Array(values) ? widenFloat16(values) : Float32Array.from(values),
  };
}

/** Node 20 has no Float16Array of its own; where there is one, it is known by its name. */
function isFloats(value: unknown): value is Float32Array | Uint16Array {
  if (types.isFloat32Array(value) || types.isUint16Array(value)) return true;
  return (
    Object.prototype.toString.call(value) === '[object Float16Array]' && ArrayBuffer.isView(value)
  );
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
