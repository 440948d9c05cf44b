import { randomNumbers } from '#lib/bench/random';

/** Makes vectors [n, dim] of length 1. */
export function unitVectors(n: number, dim: number, seed: number): Float32Array {
  const random = randomNumbers(seed);
  const vectors = Float32Array.from({ length: n * dim }, () => random() - 0.5);
  for (let row = 0; row < n; row++) {
    const vector = vectors.subarray(row * dim, (row + 1) * dim);
    const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
    for (let i = 0; i < dim; i++) vector[i] = (vector[i] as number) / length;
  }
  return vectors;
}

/**
 * Makes vectors [n, dim] of −1, 0 and 127 that begin with 127: exact in every storage, with many
 * ties.
 */
export function coarseVectors(n: number, dim: number, seed: number): Float32Array {
  const random = randomNumbers(seed);
  const choices = [-1, 0, 127];
  return Float32Array.from({ length: n * dim }, (_, i) =>
    i % dim === 0 ? 127 : (choices[Math.floor(3 * random())] as number),
  );
}

/** Sorts all rows by their dot product with a query, best first, then by row number. */
export function rankedByHand(vectors: Float32Array, query: Float32Array, dim: number) {
  const ranked = Array.from({ length: vectors.length / dim }, (_, row) => {
    let score = 0;
    for (let i = 0; i < dim; i++)
      score += (vectors[row * dim + i] as number) * (query[i] as number);
    return { row, score };
  });
  return ranked.sort((a, b) => b.score - a.score || a.row - b.row);
}
