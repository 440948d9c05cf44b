import { cosine, GATES } from '../eval/parity';
import type { Parity } from './record';

const K = 5;

/** Finds the k nearest neighbours of each embedding, by cosine. */
function neighbours(embeddings: readonly Float32Array[], k: number): Set<number>[] {
  return embeddings.map((one, i) => {
    const others = embeddings.map((other, j) => [cosine(one, other), j] as const);
    others.splice(i, 1);
    others.sort(([a], [b]) => b - a);
    return new Set(others.slice(0, k).map(([, j]) => j));
  });
}

function agreement(a: readonly Float32Array[], b: readonly Float32Array[], k: number): number {
  const others = neighbours(b, k);
  const same = neighbours(a, k).map(
    (mine, i) => [...mine].filter((j) => others[i]?.has(j)).length / k,
  );
  return same.reduce((sum, x) => sum + x, 0) / same.length;
}

/** Compares embeddings with those of an fp32 engine for the same images in the same order. */
export function compareEmbeddings(
  found: readonly Float32Array[],
  expected: readonly Float32Array[],
  { precision, reference }: { precision: string; reference: string },
): Parity {
  const cosines = found.map((one, i) => cosine(one, expected[i] as Float32Array));
  const minCosine = Math.min(...cosines);
  const gate = (GATES as Readonly<Record<string, number>>)[precision] ?? GATES.fp32;
  const enough = found.length > 2 * K;
  return {
    reference,
    pictures: found.length,
    minCosine,
    topK: enough ? { k: K, agreement: agreement(found, expected, K) } : null,
    gate,
    passed: minCosine >= gate,
  };
}
