import type { Precision } from '../precision';

/** Least cosine to fp32 that passes, by precision (DESIGN's table of speeds). */
export const GATES = {
  fp32: 0.99999,
  fp16: 0.9999,
  bf16: 0.999,
  int8: 0.995,
} as const satisfies Record<Precision, number>;

/** Of the angle between two vectors of one length; NaN where either is zero or holds a NaN. */
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

/** NaN is as bad as any cosine can be, and rounding goes no further than 1. */
export function boundedCosine(value: number): number {
  return Number.isNaN(value) ? -1 : Math.max(-1, Math.min(1, value));
}

/** Cosines between the rows of two arrays [n, dim], bounded. */
export function rowCosines(found: Float32Array, expected: Float32Array, dim: number): number[] {
  return Array.from({ length: expected.length / dim }, (_, i) => {
    const row = (all: Float32Array) => all.subarray(i * dim, (i + 1) * dim);
    return boundedCosine(cosine(row(found), row(expected)));
  });
}

/** Cut, not rounded: nothing reads as nearer to 1 than it is, or as having passed a gate. */
export function formatCosine(value: number): string {
  return (Math.floor(value * 1e6 + 1e-6) / 1e6).toFixed(6);
}
