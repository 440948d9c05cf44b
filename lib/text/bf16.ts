const QUIET_NAN = 0x7fc00000;

/** Rounds each number to bf16 in place, ties to even; NaN stays NaN. */
export function roundToBf16(numbers: Float32Array): void {
  const bits = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i] as number;
    const isNan = (word & 0x7fffffff) > 0x7f800000; // Rounding could carry a NaN to zero.
    bits[i] = isNan ? QUIET_NAN : (word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000;
  }
}
