/** IEEE half-precision bits as float32: 1 sign bit, 5 of exponent (bias 15), 10 of fraction. */
export function widenFloat16(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, widen);
}

function widen(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
