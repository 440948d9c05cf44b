import type { Precision } from '../precision';

/** Lowest cosine to fp32 that passes, by precision. */
export const GATES = {
  fp32: 0.99999,
  fp16: 0.9999,
  bf16: 0.999,
  int8: 0.995,
} as const satisfies Record<Precision, number>;

/** Returns the cosine of two vectors, or NaN if either is zero or contains NaN. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return dot / Math.sqrt(aa * bb);
}

/** Limits a cosine to −1 to 1, because of rounding. NaN becomes −1, the worst value. */
export function boundedCosine(value: number): number {
  return Number.isNaN(value) ? -1 : Math.max(-1, Math.min(1, value));
}

/** Returns the bounded cosines between the rows of two arrays [n, dim]. */
export function rowCosines(found: Float32Array, expected: Float32Array, dim: number): number[] {
  return Array.from({ length: expected.length / dim }, (_, i) => {
    const row = (all: Float32Array) => all.subarray(i * dim, (i + 1) * dim);
    return boundedCosine(cosine(row(found), row(expected)));
  });
}

/** Formats a cosine. It is rounded down, so that it never appears to pass a gate that it fails. */
export function formatCosine(value: number): string {
  return (Math.floor(value * 1e6 + 1e-6) / 1e6).toFixed(6);
}
