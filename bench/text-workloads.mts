// The workloads of bench/text.mts: single and many captions and long texts, all of random tokens.
import { randomNumbers } from '#lib/bench/random';
import type { Tokens } from '#lib/native';
import { LLAMAS } from '../tools/synthetic/text-towers.mts';

export const PRESET = 'llama-3.2-1B';

/** Tokens of the instruction before a text, which are not pooled. */
const INSTRUCTION = 4;

export interface Workload {
  texts: Tokens[];
  /** How often a turn repeats it, for workloads that are too short to time once. */
  repeat: number;
}

const random = randomNumbers(1);

function text(tokens: number): Tokens {
  const ids = Int32Array.from({ length: tokens }, () =>
    Math.floor(random() * LLAMAS[PRESET].vocabularySize),
  );
  return { ids, pooled: tokens - INSTRUCTION };
}

/** Captions of 12 to 30 tokens. */
const captions = Array.from({ length: 32 }, () => text(12 + Math.floor(19 * random())));
const longs = Array.from({ length: 4 }, () => text(512));

export const WORKLOADS: Readonly<Record<string, Workload>> = {
  caption: { texts: [text(20)], repeat: 5 },
  captions: { texts: captions, repeat: 1 },
  long: { texts: longs.slice(0, 1), repeat: 1 },
  longs: { texts: longs, repeat: 1 },
};

/** The texts whose embeddings are compared. */
export const PARITY_TEXTS: readonly Tokens[] = [...captions.slice(0, 4), ...longs.slice(0, 1)];

/** @throws RangeError for an unknown name */
export function workload(name: string): Workload {
  const found = WORKLOADS[name];
  if (found !== undefined) return found;
  throw new RangeError(`expected some of ${Object.keys(WORKLOADS)}, received ${name}`);
}

/** Counts tokens without padding. */
export function tokensOf({ texts }: Workload): number {
  return texts.reduce((sum, { ids }) => sum + ids.length, 0);
}
