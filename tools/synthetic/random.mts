// Random numbers that are the same on every machine. They use integer arithmetic and one rounding,
// but no transcendental functions, because their last bit may differ between platforms.

/** A sum of four bytes has 1,021 levels and is nearly normally distributed (Irwin–Hall). */
const LEVELS = 4 * 255 + 1;
const MEAN = (LEVELS - 1) / 2;
/** √(4 · (256² − 1) / 12) */
const DEVIATION = Math.sqrt((256 ** 2 - 1) / 3);

/** Murmur3's finaliser: every bit of the input affects every bit of the output. */
function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Returns the random stream of a tensor, from the seed and its canonical name. */
export function streamOf(seed: number, name: string): number {
  let hash = mix(seed);
  for (let i = 0; i < name.length; i++) hash = mix(hash ^ name.charCodeAt(i) ^ (i << 8));
  return hash;
}

/** Returns the level of element `index` in a stream, from 0 to 1,020. */
function levelOf(stream: number, index: number): number {
  const x = mix(stream ^ Math.imul(index, 0x9e3779b1));
  return (x & 255) + ((x >>> 8) & 255) + ((x >>> 16) & 255) + (x >>> 24);
}

/** The element types that weights are written in. */
export type WeightDtype = 'f32' | 'f16' | 'bf16';

const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);

function bitsOf(value: number): number {
  floats[0] = value;
  return bits[0] as number;
}

/** Rounds to the nearest bf16, ties to even. */
function toBf16(value: number): number {
  const x = bitsOf(value);
  return (x + 0x7fff + ((x >>> 16) & 1)) >>> 16;
}

/**
 * Rounds to the nearest f16, ties to even. Supports normal numbers and zero; subnormals become
 * zero.
 */
function toF16(value: number): number {
  const x = bitsOf(value);
  const sign = (x >>> 16) & 0x8000;
  const exponent = ((x >>> 23) & 255) - 112;
  if (exponent <= 0) return sign;
  const rounded = (exponent << 10) | ((x >>> 13) & 0x3ff);
  const rest = x & 0x1fff;
  const up = rest > 0x1000 || (rest === 0x1000 && (rounded & 1) === 1);
  return sign | (rounded + (up ? 1 : 0));
}

const ENCODERS = { f32: bitsOf, f16: toF16, bf16: toBf16 } as const;

/** The number of elements made between two writes. */
const PIECE = 1 << 20;

/** Yields the numbers of one tensor, with this mean and deviation, little-endian and in pieces. */
export function* normalBytes(
  stream: number,
  count: number,
  { mean, deviation }: { mean: number; deviation: number },
  dtype: WeightDtype,
): Iterable<Uint8Array> {
  const values = dtype === 'f32' ? new Uint32Array(LEVELS) : new Uint16Array(LEVELS);
  for (let level = 0; level < LEVELS; level++) {
    values[level] = ENCODERS[dtype](Math.fround(mean + ((level - MEAN) / DEVIATION) * deviation));
  }
  const Piece = dtype === 'f32' ? Uint32Array : Uint16Array;
  for (let start = 0; start < count; start += PIECE) {
    const piece = new Piece(Math.min(PIECE, count - start));
    for (let i = 0; i < piece.length; i++) piece[i] = values[levelOf(stream, start + i)] as number;
    yield new Uint8Array(piece.buffer);
  }
}
