/** Damaged pickles in torch's archives, whose other records are valid. */
import { unpickle } from '#lib/checkpoint/pickle';
import { placeTensor } from '#lib/checkpoint/place-tensor';
import { weightsOf } from '#lib/checkpoint/state-dict';
import { TORCH_WORLD } from '#lib/checkpoint/torch-world';
import { readZip } from '#lib/checkpoint/zip';
import { requireInside, sourceOf } from '../checkpoint-file.mts';
import { CHECKPOINT_REFUSAL, refusedOr } from '../refusal.mts';
import { archiveSeeds } from '../seeds.mts';
import { mutatePickle } from '../structure-mutations.mts';
import { changed, type Target } from '../target.mts';

const SEEDS = archiveSeeds().map((archive) => {
  const source = sourceOf(archive);
  const records = readZip(source);
  const prefix = [...records.keys()][0]?.split('/')[0];
  const pickle = records.get(`${prefix}/data.pkl`);
  if (pickle === undefined) throw new RangeError(`a seed has no ${prefix}/data.pkl`);
  const recordOf = (key: string) => records.get(`${prefix}/data/${key}`);
  return { source, recordOf, pickle: Buffer.from(source.read(pickle.offset, pickle.size)) };
});

export const target: Target = {
  next(random) {
    const seed = random.below(SEEDS.length);
    const pickle: Buffer = SEEDS[seed]?.pickle ?? Buffer.alloc(0);
    const bytes = changed(pickle, random, (old) => mutatePickle(old, random));
    return { bytes, beside: String(seed) };
  },
  run({ bytes, beside }) {
    const { source, recordOf } = SEEDS[Number(beside)] as (typeof SEEDS)[number];
    return refusedOr(CHECKPOINT_REFUSAL, () => {
      const { tensors } = weightsOf(unpickle(bytes, TORCH_WORLD), source.path);
      const placed = [...tensors].map(([name, one]) => placeTensor(source, name, one, recordOf));
      requireInside(placed, source.size);
      return placed.length > 0 ? 'parsed' : 'empty';
    });
  },
};
