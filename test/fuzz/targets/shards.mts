/** Indexes of shards that do not exist. */
import { outcomeOfFile } from '../checkpoint-file.mts';
import { changedJson } from '../json-mutations.mts';
import { seedsOf } from '../seeds.mts';
import type { Target } from '../target.mts';

const SEEDS = seedsOf('.index');

export const target: Target = {
  next: (random) => ({ bytes: changedJson(SEEDS, random) }),
  run: ({ bytes }) => outcomeOfFile(bytes),
};
