/** Indexes of shards, none of which is there. */
import { mutateBytes } from '../byte-mutations.mts';
import { outcomeOfFile } from '../checkpoint-file.mts';
import { mutateJson } from '../json-mutations.mts';
import { seedsOf } from '../seeds.mts';
import { changed, type Target } from '../target.mts';

const SEEDS = seedsOf('.index');

export const target: Target = {
  next(random) {
    const seed = random.pick(SEEDS);
    if (random.below(8) === 0) {
      return { bytes: changed(seed, random, (bytes) => mutateBytes(bytes, random)) };
    }
    const json = changed(seed.toString(), random, (text) => mutateJson(text, random));
    return { bytes: Buffer.from(json) };
  },
  run: ({ bytes }) => outcomeOfFile(bytes),
};
