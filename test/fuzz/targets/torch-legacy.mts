/** Files in torch.save's old format: several pickles, followed by the data. */
import { isLegacyTorch } from '#lib/checkpoint/torch-legacy';
import { outcomeOfFile } from '../checkpoint-file.mts';
import { seedsOf } from '../seeds.mts';
import { mutatePickle } from '../structure-mutations.mts';
import { changed, type Target } from '../target.mts';

const SEEDS = seedsOf('.pt').filter((bytes) => isLegacyTorch(bytes.toString('latin1', 0, 512)));

export const target: Target = {
  next(random) {
    return { bytes: changed(random.pick(SEEDS), random, (bytes) => mutatePickle(bytes, random)) };
  },
  run: ({ bytes }) => outcomeOfFile(bytes),
};
