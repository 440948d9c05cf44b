import { LLM2CLIPError } from '../../errors';
import { FAMILY_TABLES, type Family } from './families';
import { type FamilyWeights, type Layout, sourceName, sourcesOf } from './layout';
import { refuseKnownFamilies } from './refused';

/**
 * A damaged checkpoint has at least this fraction of its layout's names; another family has far
 * fewer.
 */
export const LEAST_SHARE = 0.8;
const BLOCK_NUMBER = /(^|\.)(blocks|layers)\.(0|[1-9]\d{0,3})\./;

export interface Recognised<F = Family> {
  weights: FamilyWeights<F>;
  layout: Layout<F>;
  prefix: string;
  /** One more than the highest number of a block. */
  layers: number;
}

/**
 * Finds the layout that shares the most names with the file.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_UNSUPPORTED if no layout is close
 */
export function recognise(names: readonly string[], path: string): Recognised {
  const best = closestLayout(FAMILY_TABLES, names);
  if (best.share < LEAST_SHARE) {
    refuseKnownFamilies(names, path);
    throw unknownLayout(path, names, best);
  }
  return best;
}

/**
 * Returns the layout with the largest fraction of its names among these, and that fraction.
 *
 * @param blockNorm canonical name of a tensor that every block has
 */
export function closestLayout<F>(
  families: readonly FamilyWeights<F>[],
  names: readonly string[],
  blockNorm = 'blocks.{i}.norm1.weight',
): Recognised<F> & { share: number } {
  const templates = new Set(names.map((name) => name.replace(BLOCK_NUMBER, '$1$2.{i}.')));
  const candidates = families.flatMap((weights) =>
    weights.layouts.flatMap((layout) =>
      layout.prefixes.map((prefix) => ({
        ...{ weights, layout, prefix },
        share: shareFound(weights, layout, prefix, templates),
      })),
    ),
  );
  const best = candidates.reduce((a, b) => (b.share > a.share ? b : a));
  return { ...best, layers: countLayers(names, best.layout, best.prefix, blockNorm) };
}

/** Returns the fraction of the layout's tensors that are present in any block. */
function shareFound(
  weights: FamilyWeights<unknown>,
  layout: Layout<unknown>,
  prefix: string,
  templates: ReadonlySet<string>,
): number {
  const found = weights.tensors.filter(({ name }) =>
    sourcesOf(layout, name).some((source) => templates.has(prefix + sourceName(source))),
  );
  return found.length / weights.tensors.length;
}

function countLayers(
  names: readonly string[],
  layout: Layout<unknown>,
  prefix: string,
  blockNorm: string,
): number {
  const [first] = sourcesOf(layout, blockNorm);
  const stem = prefix + sourceName(first ?? '').replace(/\{i\}.*$/, '');
  let layers = 0;
  for (const name of names) {
    if (!name.startsWith(stem)) continue;
    const block = BLOCK_NUMBER.exec(name)?.[3];
    if (block !== undefined) layers = Math.max(layers, Number(block) + 1);
  }
  return layers;
}

function unknownLayout(
  path: string,
  names: readonly string[],
  closest: { layout: Layout<unknown>; share: number },
): LLM2CLIPError {
  const known = FAMILY_TABLES.flatMap(({ layouts }) => layouts.map(({ name }) => name)).join('; ');
  return new LLM2CLIPError(
    'ERR_CHECKPOINT_UNSUPPORTED',
    `${path} holds ${names.length} tensors of a model that is not supported. Known are: ${known}. ` +
      `The closest, ${closest.layout.name}, shares ${Math.round(closest.share * 100)} % of its names`,
  );
}
