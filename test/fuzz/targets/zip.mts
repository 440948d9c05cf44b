/** Archives of torch.save, damaged outside their pickles. */
import { mutateBytes } from '../byte-mutations.mts';
import { outcomeOfFile } from '../checkpoint-file.mts';
import { archiveSeeds } from '../seeds.mts';
import { mutateZip } from '../structure-mutations.mts';
import { changed, type Target } from '../target.mts';

const SEEDS = archiveSeeds();

export const target: Target = {
  next(random) {
    const change = random.pick([mutateZip, mutateZip, mutateBytes]);
    return { bytes: changed(random.pick(SEEDS), random, (bytes) => change(bytes, random)) };
  },
  run: ({ bytes }) => outcomeOfFile(bytes),
};
