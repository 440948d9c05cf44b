import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import type { Section } from './section';

/** A field that changes the meaning of updates, or updates other parameters. */
interface Variant {
  key: string;
  /** Whether a value still means plain LoRA; null, false and empty values always do. */
  allowed?: (value: unknown) => boolean;
  /** What is wrong and what to do, if merging in Python does not help. */
  why?: string;
}

/**
 * Initialisations that do not change the base weights, so that they do not matter for merging.
 * PiSSA, OLoRA, CorDA, LoftQ and LoRA-GA change the base weights, and the file does not say whether
 * the base that it comes with is the changed one.
 */
const KEEPING_THE_BASE: readonly unknown[] = [true, 'gaussian', 'eva', 'orthogonal', 'mica'];

const VARIANTS: readonly Variant[] = [
  {
    key: 'alora_invocation_tokens',
    why: 'which makes it an activated LoRA: it acts only on tokens after these, and nothing can merge it',
  },
  { key: 'bias', allowed: (value) => value === 'none' },
  { key: 'lora_bias' },
  {
    key: 'init_lora_weights',
    allowed: (value) =>
      KEEPING_THE_BASE.includes(typeof value === 'string' ? value.toLowerCase() : value),
    why: 'which may change the weights of the base; merge it in Python with the base that it was trained with, or let PEFT convert it (path_initial_model_for_weight_conversion)',
  },
  // The output head over the vocabulary does not affect embeddings.
  {
    key: 'modules_to_save',
    allowed: (value) => Array.isArray(value) && value.every((name) => name === 'lm_head'),
  },
  { key: 'layer_replication' },
  { key: 'target_parameters' },
  { key: 'trainable_token_indices' },
];

/** Fields with names like those of variants that do not change the merged weights. */
const HARMLESS = new Set([
  ...['use_rslora', 'eva_config', 'corda_config', 'loftq_config', 'lora_ga_config'],
  ...['velora_config', 'megatron_config', 'runtime_config'],
]);

/** PEFT's naming scheme for variants, including those of later versions. */
const VARIANT_NAME = /^use_|_config$/;

/**
 * Refuses variants that would give wrong weights if they were merged as plain LoRA.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_UNSUPPORTED
 */
export function refuseVariants(config: Section): void {
  if (config.peft_type !== 'LORA') throw unsupported({ key: 'peft_type' }, config.peft_type);
  for (const variant of VARIANTS) {
    const value = config[variant.key];
    if (!isUnset(value) && !variant.allowed?.(value)) throw unsupported(variant, value);
  }
  for (const [key, value] of Object.entries(config)) {
    if (!VARIANT_NAME.test(key) || HARMLESS.has(key) || isUnset(value)) continue;
    throw unsupported({ key }, value);
  }
}

function isUnset(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function unsupported({ key, why }: Variant, found: unknown): LLM2CLIPError {
  const shown = quote(JSON.stringify(found) ?? 'missing');
  const remedy =
    'which is not plain LoRA; merge it in Python (PEFT merge_and_unload) and save the model';
  return new LLM2CLIPError(
    'ERR_CHECKPOINT_UNSUPPORTED',
    `${quote(key)} in adapter_config.json is ${shown}, ${why ?? remedy}`,
  );
}
