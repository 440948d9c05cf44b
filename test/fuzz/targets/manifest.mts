/** Manifests of bundles. */
import { parseManifest } from '#lib/bundle/manifest';
import { changedJson } from '../json-mutations.mts';
import { refusedOr } from '../refusal.mts';
import { seedsOf } from '../seeds.mts';
import type { Target } from '../target.mts';

const SEEDS = seedsOf('.manifest');

export const target: Target = {
  next: (random) => ({ bytes: changedJson(SEEDS, random) }),
  run({ bytes }) {
    return refusedOr(/^ERR_(BUNDLE_INVALID|ENGINE_INCOMPATIBLE)$/, () => {
      parseManifest(bytes.toString());
      return 'parsed';
    });
  },
};
