/** Manifests of bundles. */
import { parseManifest } from '#lib/bundle/manifest';
import { mutateBytes } from '../byte-mutations.mts';
import { mutateJson } from '../json-mutations.mts';
import { refusedOr } from '../refusal.mts';
import { seedsOf } from '../seeds.mts';
import { changed, type Target } from '../target.mts';

const SEEDS = seedsOf('.manifest');

export const target: Target = {
  next(random) {
    const seed = random.pick(SEEDS);
    if (random.below(8) === 0) {
      return { bytes: changed(seed, random, (bytes) => mutateBytes(bytes, random)) };
    }
    const json = changed(seed.toString(), random, (text) => mutateJson(text, random));
    return { bytes: Buffer.from(json) };
  },
  run({ bytes }) {
    return refusedOr(/^ERR_(BUNDLE_INVALID|ENGINE_INCOMPATIBLE)$/, () => {
      parseManifest(bytes.toString());
      return 'parsed';
    });
  },
};
