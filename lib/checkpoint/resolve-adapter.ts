import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import { ADAPTER, ADAPTER_LAYERS } from './layouts/adapter';
import { andMore, bindWeights, type NamedEntry } from './layouts/bind';
import { entriesByName } from './layouts/entries';
import { closestLayout } from './layouts/recognise';
import type { CheckpointTable, TensorEntry } from './table';
import type { AdapterConfig } from './text-config';

/** Default epsilon of torch.nn.LayerNorm. */
const LAYER_NORM_EPS = 1e-5;

/** The text adapter of a checkpoint, with the position of each of its weights. */
export interface ResolvedAdapter {
  /** Name of the layout, for messages. */
  layout: string;
  config: AdapterConfig;
  /** The weights, with their canonical names and shapes. */
  weights: NamedEntry[];
  /** Logarithm of the factor for cosines, if the checkpoint has it. */
  logitScale: TensorEntry | undefined;
}

/**
 * Finds the text adapter in a checkpoint, with or without a vision tower beside it.
 *
 * @returns undefined if there is none
 * @throws LLM2CLIPError ERR_CHECKPOINT_MISMATCH for missing, unknown or misshapen tensors
 * @example
 * const adapter = resolveAdapter(await readCheckpoint('LLM2CLIP-EVA02-L-14-336.pt'));
 * console.log(adapter?.config.width, adapter?.config.embeddingDim); // 4096 1280
 */
export function resolveAdapter(table: CheckpointTable): ResolvedAdapter | undefined {
  const entries = entriesByName(table);
  const best = closestLayout([ADAPTER], [...entries.keys()]);
  if (best.share === 0) return undefined;
  const { weights, dimensions, bound } = bindWeights(
    { ...best, layers: ADAPTER_LAYERS },
    entries,
    table.path,
  );
  requireKnown(table.path, best.prefix, entries, bound);
  return {
    layout: best.layout.name,
    config: {
      width: dimensions.D.size,
      layers: ADAPTER_LAYERS,
      hidden: 2 * dimensions.D.size,
      embeddingDim: dimensions.E.size,
      normalizesInput: best.layout.family !== 'siglip2',
      layerNormEps: LAYER_NORM_EPS,
    },
    weights,
    logitScale: scalar(entries.get('logit_scale'), table.path),
  };
}

/** Refuses unknown tensors, because e.g. one more block would change the embeddings. */
function requireKnown(
  path: string,
  prefix: string,
  entries: ReadonlyMap<string, TensorEntry>,
  bound: ReadonlySet<TensorEntry>,
): void {
  const [unknown, ...more] = [...entries].filter(
    ([name, entry]) => name.includes(prefix) && !bound.has(entry),
  );
  if (unknown === undefined) return;
  throw new LLM2CLIPError(
    'ERR_CHECKPOINT_MISMATCH',
    `${path} holds tensor ${quote(unknown[1].name)}${andMore(more.length)} ` +
      'that a text adapter of LLM2CLIP does not have',
  );
}

function scalar(entry: TensorEntry | undefined, path: string): TensorEntry | undefined {
  if (entry === undefined || entry.shape.every((size) => size === 1)) return entry;
  const message = `tensor "logit_scale" in ${path} has shape [${entry.shape}], expected one number`;
  throw new LLM2CLIPError('ERR_CHECKPOINT_MISMATCH', message);
}
