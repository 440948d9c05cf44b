import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import { andMore, bindWeights, type NamedEntry } from './layouts/bind';
import type { Dimensions } from './layouts/dimensions';
import { entriesByName } from './layouts/entries';
import { LLAMA, LLAMA_LAYER_NORM } from './layouts/llama';
import { closestLayout, LEAST_SHARE } from './layouts/recognise';
import { readLlamaConfig } from './llama-config';
import { type CheckpointTable, configOf, type TensorEntry } from './table';
import type { LlamaConfig } from './text-config';

/** Tensors that are not needed: the output head, and RoPE tables, which are recomputed. */
const IGNORED = /(^|\.)(lm_head\.weight|rotary_emb\.inv_freq|rope\.freqs\w*|position_ids)$/;

/** The Llama encoder of a checkpoint, with the position of each of its weights. */
export interface ResolvedLlama {
  /** Name of the layout, for messages. */
  layout: string;
  config: LlamaConfig;
  /** The weights, with their canonical names and shapes. */
  weights: NamedEntry[];
  /** Names of the tensors that are not needed. */
  ignored: string[];
}

/**
 * Binds the tensors of a Llama encoder to canonical names. All checks are done before any weight is
 * read. The `config.json` is required, because shapes do not reveal the heads and RoPE.
 *
 * @throws LLM2CLIPError ERR_NOT_FOUND without a configuration, ERR_CHECKPOINT_FORMAT for a wrong
 *   one, ERR_CHECKPOINT_UNSUPPORTED for another kind of model, ERR_CHECKPOINT_MISMATCH for missing,
 *   unknown or misshapen tensors and if the configuration contradicts the weights
 * @example
 * const llama = resolveLlama(await readCheckpoint('LLM2CLIP-Llama-3-8B-Instruct-CC-Finetuned'));
 * console.log(llama.config.layers, llama.config.kvHeads); // 32 8
 */
export function resolveLlama(table: CheckpointTable): ResolvedLlama {
  const entries = entriesByName(table);
  const best = closestLayout([LLAMA], [...entries.keys()], LLAMA_LAYER_NORM);
  if (best.share < LEAST_SHARE) {
    throw new LLM2CLIPError(
      'ERR_CHECKPOINT_UNSUPPORTED',
      `${table.path} holds ${entries.size} tensors of a model that is no Llama`,
    );
  }
  const said = configOf(table);
  if (said === undefined) {
    throw new LLM2CLIPError(
      'ERR_NOT_FOUND',
      `${table.path} has no config.json beside it, which a language model needs; download it too`,
    );
  }
  const { weights, dimensions, bound } = bindWeights(best, entries, table.path);
  const ignored = ignoredTensors(table.path, entries, bound);
  const config = readLlamaConfig(said);
  checkConfig(config, dimensions, best.layers);
  return { layout: best.layout.name, config, weights, ignored };
}

function ignoredTensors(
  path: string,
  entries: ReadonlyMap<string, TensorEntry>,
  bound: ReadonlySet<TensorEntry>,
): string[] {
  const rest = [...entries].filter(([, entry]) => !bound.has(entry));
  const [unknown, ...more] = rest.filter(([name]) => !IGNORED.test(name));
  if (unknown === undefined) return rest.map(([, { name }]) => name);
  throw new LLM2CLIPError(
    'ERR_CHECKPOINT_MISMATCH',
    `${path} holds tensor ${quote(unknown[1].name)}${andMore(more.length)} that a Llama does not have`,
  );
}

function checkConfig(config: LlamaConfig, dimensions: Dimensions, layers: number): void {
  const { heads, kvHeads, headDim } = config;
  check('"vocab_size"', config.vocabularySize, dimensions.V.size);
  check('"hidden_size"', config.width, dimensions.D.size);
  check('"num_hidden_layers"', config.layers, layers);
  check('"intermediate_size"', config.hidden, dimensions.H.size);
  check('"num_attention_heads" × "head_dim"', heads * headDim, dimensions.Q.size);
  check('"num_key_value_heads" × "head_dim"', kvHeads * headDim, dimensions.K.size);
  if (heads % kvHeads !== 0) throw mismatch(`${kvHeads} key heads do not divide ${heads} heads`);
  if (headDim % 2 !== 0) throw mismatch(`heads are ${headDim} wide, expected an even number`);
}

function check(what: string, stated: number, found: number): void {
  if (stated === found) return;
  throw mismatch(`${what} is ${stated}, the weights' shapes say ${found}`);
}

function mismatch(problem: string): LLM2CLIPError {
  const message = `the language model's config.json contradicts its weights: ${problem}`;
  return new LLM2CLIPError('ERR_CHECKPOINT_MISMATCH', message);
}
