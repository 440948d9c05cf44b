import { LLM2CLIPError } from '../../errors';
import type { Preprocessing } from '../../image/preprocessing';
import { quote } from '../../quote';
import { inferConfig } from '../infer-config';
import { resolvePreprocessing } from '../preprocessing/resolve';
import { readStatedConfig } from '../stated-config';
import type { CheckpointTable, TensorEntry } from '../table';
import type { VisionConfig } from '../vision-config';
import { andMore, bindWeights, type NamedEntry } from './bind';
import { entriesByName } from './entries';
import { isIgnored } from './ignored';
import { isOfHeldModel } from './plain-name';
import { type Recognised, recognise } from './recognise';

/** The vision tower of a checkpoint, with the position of each of its weights. */
export interface ResolvedModel {
  /** Name of the layout, for messages. */
  layout: string;
  config: VisionConfig;
  /** Exactly the weights that csrc/model binds, with their canonical names and shapes. */
  weights: NamedEntry[];
  /** Names of tensors that are not needed: the text side, tables that are recomputed, losses. */
  ignored: string[];
  preprocessing: Preprocessing;
  /** The file that states the preprocessing, for messages. */
  preprocessingSource: string;
}

/**
 * Recognises the layout of a checkpoint and binds its tensors to canonical names. All checks are
 * done before any weight is read.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_UNSUPPORTED for another kind of model,
 *   ERR_CHECKPOINT_MISMATCH for missing, unknown or misshapen tensors and for a configuration that
 *   contradicts them
 * @example
 * const model = resolveModel(await readCheckpoint('LLM2CLIP-EVA02-L-14-336.pt'));
 * console.log(model.layout, model.config.width, model.weights.length);
 */
export function resolveModel(table: CheckpointTable): ResolvedModel {
  const entries = entriesByName(table);
  const recognised = recognise([...entries.keys()], table.path);
  const { weights, dimensions, bound } = bindWeights(recognised, entries, table.path);
  const ignored = ignoredTensors(table, recognised, entries, bound);
  const stated = readStatedConfig(table.stated);
  const { layout, layers, prefix } = recognised;
  const config = inferConfig(layout.family, dimensions, layers, stated);
  // Files of open_clip have timm's names under `visual.`.
  const origin = layout.origin === 'timm' && prefix !== '' ? 'open_clip' : layout.origin;
  const images = resolvePreprocessing(table, origin ?? 'transformers', config.imageSize);
  return {
    ...{ layout: layout.name, config, weights, ignored },
    ...{ preprocessing: images.preprocessing, preprocessingSource: images.source },
  };
}

function ignoredTensors(
  table: CheckpointTable,
  { layout }: Recognised,
  entries: ReadonlyMap<string, TensorEntry>,
  bound: ReadonlySet<TensorEntry>,
): string[] {
  const rest = [...entries].filter(([, entry]) => !bound.has(entry));
  const isHeld = [...bound].every(({ name }) => isOfHeldModel(name));
  const isBeside = (entry: TensorEntry) => isHeld && !isOfHeldModel(entry.name);
  const [unknown, ...more] = rest.filter(([name, entry]) => !isIgnored(name) && !isBeside(entry));
  if (unknown === undefined) return rest.map(([, { name }]) => name);
  throw new LLM2CLIPError(
    'ERR_CHECKPOINT_MISMATCH',
    `${table.path} holds tensor ${quote(unknown[1].name)}${andMore(more.length)} ` +
      `that a model of its layout (${layout.name}) does not have`,
  );
}
