import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import type { Section } from './section';

/** A field that makes something else of an update, or updates something else. */
interface Variant {
  key: string;
  /** Values that leave it plain LoRA, beside null, false and empty ones. */
  allowed?: (value: unknown) => boolean;
  /** What is wrong with it, and what to do then, where merging in Python does not help. */
  why?: string;
}

/**
 * How an update begins does not matter where the base is left as it is. PiSSA, OLoRA, CorDA, LoftQ and
 * LoRA-GA change the weights that the update is added to, and the file cannot say whether the ones
 * that it comes with are changed.
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
  // The head over the vocabulary makes no embedding.
  {
    key: 'modules_to_save',
    allowed: (value) => Array.isArray(value) && value.every((name) => name === 'lm_head'),
  },
  { key: 'layer_replication' },
  { key: 'target_parameters' },
  { key: 'trainable_token_indices' },
];

/** Fields of the form that variants have which change nothing in what is merged. */
const HARMLESS = new Set([
  ...['use_rslora', 'eva_config', 'corda_config', 'loftq_config', 'lora_ga_config'],
  ...['velora_config', 'megatron_config', 'runtime_config'],
]);

/** PEFT names a variant so, those of later versions too. */
const VARIANT_NAME = /^use_|_config$/;

/**
 * Refuses what would be silently wrong if it were taken for plain LoRA.
 *
 * @throws {LLM2CLIPError} ERR_CHECKPOINT_UNSUPPORTED
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
