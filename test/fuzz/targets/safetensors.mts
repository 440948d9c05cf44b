/** Safetensors files. */
import { mutateBytes } from '../byte-mutations.mts';
import { outcomeOfFile } from '../checkpoint-file.mts';
import { seedsOf } from '../seeds.mts';
import { mutateSafetensors } from '../structure-mutations.mts';
import { changed, type Target } from '../target.mts';

/** Small seeds only; larger headers contain more of the same. */
const SEEDS = seedsOf('.safetensors').filter(({ length }) => length < 2000);

export const target: Target = {
  next(random) {
    const change = random.pick([mutateSafetensors, mutateSafetensors, mutateBytes]);
    return { bytes: changed(random.pick(SEEDS), random, (bytes) => change(bytes, random)) };
  },
  run: ({ bytes }) => outcomeOfFile(bytes),
};
