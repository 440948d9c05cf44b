import type { VisionConfig } from '../config';
import { LLM2CLIPError } from '../errors';
import type { Preprocessing } from '../preprocessing';
import { inferConfig } from './infer-config';
import { andMore, canonicalView, findWeights } from './layouts/bind';
import { inferDimensions } from './layouts/dimensions';
import { isIgnored } from './layouts/ignored';
import { type Recognised, recognise } from './layouts/recognise';
import { quote } from './quote';
import { readStatedConfig } from './stated-config';
import { resolvePreprocessing } from './stated-preprocessing';
import type { CheckpointTable, TensorEntry } from './table';

/** A checkpoint understood: which tower it is, and where each of its weights lies. */
export interface ResolvedModel {
  /** Name of the layout, for people. */
  layout: string;
  config: VisionConfig;
  /** Exactly those that csrc/model binds, under their canonical names and of their shapes. */
  weights: { name: string; entry: TensorEntry }[];
  /** Names of the tensors that are not needed: the text side, tables that are recomputed. */
  ignored: string[];
  preprocessing: Preprocessing;
}

/** What data-parallel training and torch.compile put before each name. */
const WRAPPERS = /^(module\.|_orig_mod\.)+/;

/**
 * Recognises the layout of a checkpoint and binds its tensors to canonical names, all checks
 * before any weight is read.
 *
 * @throws {LLM2CLIPError} ERR_CHECKPOINT_UNSUPPORTED for another kind of model,
 *   ERR_CHECKPOINT_MISMATCH for missing, unknown or misshapen tensors and contradictions of the
 *   configuration
 * @example
 * const model = resolveModel(await readCheckpoint('LLM2CLIP-EVA02-L-14-336.pt'));
 * console.log(model.layout, model.config.width, model.weights.length);
 */
export function resolveModel(table: CheckpointTable): ResolvedModel {
  const entries = byName(table);
  const recognised = recognise([...entries.keys()], table.path);
  const bindings = findWeights(recognised, entries, table.path);
  const dimensions = inferDimensions(bindings);
  const weights = bindings.map((binding) => ({
    name: binding.name,
    entry: canonicalView(binding, dimensions),
  }));
  const bound = new Set(bindings.map(({ entry }) => entry));
  const ignored = ignoredTensors(table, recognised, entries, bound);
  const stated = readStatedConfig(table.config);
  const { layout, layers } = recognised;
  const config = inferConfig(layout.family, dimensions, layers, stated);
  const preprocessing = resolvePreprocessing(table, config.imageSize);
  return { layout: layout.name, config, weights, ignored, preprocessing };
}

function byName(table: CheckpointTable): Map<string, TensorEntry> {
  const entries = new Map<string, TensorEntry>();
  for (const entry of table.tensors) {
    const name = entry.name.replace(WRAPPERS, '');
    if (entries.has(name)) {
      const message = `${table.path} holds two tensors that mean ${quote(name)}`;
      throw new LLM2CLIPError('ERR_CHECKPOINT_MISMATCH', message);
    }
    entries.set(name, entry);
  }
  return entries;
}

function ignoredTensors(
  table: CheckpointTable,
  { layout }: Recognised,
  entries: ReadonlyMap<string, TensorEntry>,
  bound: ReadonlySet<TensorEntry>,
): string[] {
  const rest = [...entries].filter(([, entry]) => !bound.has(entry));
  const [unknown, ...more] = rest.filter(([name]) => !isIgnored(name));
  if (unknown === undefined) return rest.map(([, { name }]) => name);
  throw new LLM2CLIPError(
    'ERR_CHECKPOINT_MISMATCH',
    `${table.path} holds tensor ${quote(unknown[1].name)}${andMore(more.length)} ` +
      `that a model of its layout (${layout.name}) does not have`,
  );
}
