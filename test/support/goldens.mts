import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cosine, relativeDifference } from './vectors.mts';

/** A golden that tools/make-goldens.py writes. */
export interface Golden {
  seed: number;
  /** Raw embeddings by image. */
  embeddings: Record<string, number[]>;
}

export function readGolden(preset: string): Golden {
  const path = new URL(`../fixtures/goldens/${preset}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')) as Golden;
}

export function photograph(name: string): string {
  return fileURLToPath(new URL(`../fixtures/images/${name}`, import.meta.url));
}

/** Allowed difference between an embedding and the oracle's. */
export interface Tolerance {
  cosine: number;
  /** Largest difference, relative to the largest number; not checked if undefined. */
  difference?: number;
}

export const FP32: Tolerance = { cosine: 0.99999, difference: 1e-3 };
/** Gates of the reduced precisions and of int8, from DESIGN.md. */
export const REDUCED: Tolerance = { cosine: 0.999 };
export const QUANTISED: Tolerance = { cosine: 0.995 };

export function assertClose(
  found: Float32Array,
  golden: number[] | Float32Array,
  tolerance: Tolerance,
): void {
  assert.equal(found.length, golden.length);
  const similarity = cosine(found, golden);
  assert.ok(similarity >= tolerance.cosine, `cosine ${similarity}`);
  const difference = relativeDifference(found, golden);
  assert.ok(difference <= (tolerance.difference ?? 1), `difference ${difference}`);
}
