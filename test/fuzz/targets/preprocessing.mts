/** The files beside a checkpoint that state its preprocessing. */
import { resolvePreprocessing } from '#lib/checkpoint/preprocessing/resolve';
import { statedFile } from '../../support/checkpoint-table.mts';
import { parsedConfig } from '../config.mts';
import { mutateJson } from '../json-mutations.mts';
import { CHECKPOINT_REFUSAL, refusedOr } from '../refusal.mts';
import { seedsOf } from '../seeds.mts';
import { changed, type Target } from '../target.mts';

const SEEDS = [...seedsOf('.processor'), ...seedsOf('.json')].map(String);
/** Names of files, each of which is read by its own rules. */
const NAMES = [
  'config.json',
  'open_clip_config.json',
  'preprocessor_config.json',
  'processor_config.json',
];
const LAYOUTS = ['transformers', 'open_clip', 'timm'] as const;
const SIZES = [1, 224, 336, 384];

/** Checks that only finite numbers reach the resampler. */
function requireSound(preprocessing: object): void {
  for (const value of Object.values(preprocessing).flat()) {
    if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError(`${value}`);
  }
}

export const target: Target = {
  next(random) {
    const json = changed(random.pick(SEEDS), random, (text) => mutateJson(text, random));
    return { bytes: Buffer.from(json), beside: random.pick(NAMES) };
  },
  run({ bytes, beside = '' }) {
    const content = parsedConfig(bytes.toString());
    if (content === undefined) return 'refused';
    const stated = [statedFile(beside, content)];
    const outcomes = LAYOUTS.flatMap((layout) =>
      SIZES.map((size) =>
        refusedOr(CHECKPOINT_REFUSAL, () => {
          requireSound(resolvePreprocessing({ stated }, layout, size).preprocessing);
          return 'resolved';
        }),
      ),
    );
    return outcomes.includes('resolved') ? 'resolved' : 'refused';
  },
};
