import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import type { ByteSource } from './byte-source';
import { DTYPE_BYTES, type Dtype } from './dtype';
import { rowMajorStrides } from './extent';
import type { TensorEntry } from './table';

/** Element types in which weights are written. */
export type FloatDtype = 'f32' | 'f16' | 'bf16';

/** The smallest positive number of f16. */
const SMALLEST_F16 = 2 ** -24;
const LARGEST_F16 = 65504;

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/**
 * Reads rows of a matrix as fp32.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_UNSUPPORTED for a matrix that is not row-major or not of a
 *   floating-point type
 */
export function readRows(
  source: ByteSource,
  entry: TensorEntry,
  first: number,
  count: number,
): Float32Array {
  const dense = rowMajorStrides(entry.shape).join() === entry.strides.join();
  if (!dense) throw unsupported(entry, 'is stored transposed');
  const rowBytes = (entry.shape[1] ?? 1) * DTYPE_BYTES[entry.dtype];
  const bytes = source.read(entry.offset + first * rowBytes, count * rowBytes);
  return decodeFloats(entry, bytes);
}

/**
 * Converts a tensor's bytes to fp32.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_UNSUPPORTED for a type that is not floating-point
 */
export function decodeFloats(entry: TensorEntry, bytes: Uint8Array): Float32Array {
  const decode = DECODERS[entry.dtype];
  if (decode === undefined) throw unsupported(entry, `has type ${entry.dtype}`);
  // Copy the bytes, because small reads come from Node's buffer pool and may be unaligned.
  return decode(new Uint8Array(bytes).buffer);
}

function unsupported(entry: TensorEntry, problem: string): LLM2CLIPError {
  const message = `tensor ${quote(entry.name)} in ${entry.file} ${problem}; save it again as fp32`;
  return new LLM2CLIPError('ERR_CHECKPOINT_UNSUPPORTED', message);
}

const DECODERS: Partial<Record<Dtype, (bytes: ArrayBuffer) => Float32Array>> = {
  f64: (bytes) => Float32Array.from(new Float64Array(bytes)),
  f32: (bytes) => new Float32Array(bytes),
  f16: (bytes) => {
    const halves = new Uint16Array(bytes);
    const values = new Float32Array(halves.length);
    for (let i = 0; i < values.length; i++) values[i] = fromF16(halves[i] as number);
    return values;
  },
  bf16: (bytes) => {
    const halves = new Uint16Array(bytes);
    const bits = new Uint32Array(halves.length);
    for (let i = 0; i < bits.length; i++) bits[i] = (halves[i] as number) << 16;
    return new Float32Array(bits.buffer);
  },
};

/** Converts finite fp32 numbers to another type. Each is rounded once, ties to even. */
export function encodeFloats(values: Float32Array, dtype: FloatDtype): Uint8Array {
  const encoded = dtype === 'f32' ? values : rounded(values, ROUND[dtype]);
  return new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.byteLength);
}

/** Rounds in a loop, because TypedArray.from takes ten times as long for billions of weights. */
function rounded(values: Float32Array, round: (value: number) => number): Uint16Array {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) halves[i] = round(values[i] as number);
  return halves;
}

const ROUND = { f16: toF16, bf16: toBf16 } as const;

function toBf16(value: number): number {
  scratch[0] = value;
  const bits = scratchBits[0] ?? 0;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** Rounds a number to f16. The result is infinity, 0x7c00, if it rounds beyond 65,504. */
function toF16(value: number): number {
  scratch[0] = value;
  const bits = scratchBits[0] ?? 0;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = Math.abs(value);
  if (magnitude < 2 ** -14) return sign | roundToEven(magnitude / SMALLEST_F16);
  if (magnitude >= LARGEST_F16 + 16) return sign | 0x7c00;
  const rounded = ((bits & 0x7fffffff) + 0xfff + ((bits >>> 13) & 1)) >>> 13;
  return sign | (rounded - (112 << 10));
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

export function fromF16(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits >> 15 ? -1 : 1;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * SMALLEST_F16;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
