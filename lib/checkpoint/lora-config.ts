import { LLM2CLIPError } from '../errors';
import { quote } from './quote';

type Section = Readonly<Record<string, unknown>>;

/** What an `adapter_config.json` says of a LoRA. */
export interface LoraConfig {
  /** Rank of each update. */
  rank: number;
  /** What B·A is multiplied by: alpha / r, or alpha / √r for rank-stabilised ones. */
  scale: number;
  /** Last part of the names of the linear layers that have one, e.g. "q_proj". */
  targets: readonly string[];
}

/** Variants that change what is added, or where; taken for plain LoRA they would be silently wrong. */
const REFUSED: readonly { key: string; allowed: (value: unknown) => boolean }[] = [
  { key: 'fan_in_fan_out', allowed: isUnset },
  { key: 'use_dora', allowed: isUnset },
  { key: 'bias', allowed: (value) => isUnset(value) || value === 'none' },
  { key: 'rank_pattern', allowed: isUnset },
  { key: 'alpha_pattern', allowed: isUnset },
  { key: 'modules_to_save', allowed: isUnset },
  { key: 'layers_to_transform', allowed: isUnset },
  { key: 'layer_replication', allowed: isUnset },
  { key: 'target_parameters', allowed: isUnset },
];

/**
 * Reads an `adapter_config.json` of PEFT.
 *
 * @throws {LLM2CLIPError} ERR_CHECKPOINT_FORMAT for a field that is missing or of the wrong kind,
 *   ERR_CHECKPOINT_UNSUPPORTED for another method than plain LoRA
 */
export function readLoraConfig(config: Section): LoraConfig {
  if (config.peft_type !== 'LORA') throw unsupported('peft_type', config.peft_type);
  for (const { key, allowed } of REFUSED) {
    if (!allowed(config[key])) throw unsupported(key, config[key]);
  }
  const { r: rank, lora_alpha: alpha, target_modules: targets } = config;
  if (!isPositive(rank) || !Number.isSafeInteger(rank))
    throw wrong('r', rank, 'a positive integer');
  if (!isPositive(alpha)) throw wrong('lora_alpha', alpha, 'a positive number');
  const isName = (name: unknown): name is string => typeof name === 'string' && name !== '';
  if (!Array.isArray(targets) || targets.length === 0 || !targets.every(isName)) {
    throw wrong('target_modules', targets, 'an array of names');
  }
  const divisor = config.use_rslora === true ? Math.sqrt(rank) : rank;
  return { rank, scale: alpha / divisor, targets };
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

function isUnset(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function wrong(key: string, found: unknown, expected: string): LLM2CLIPError {
  const shown = found === undefined ? 'missing' : quote(JSON.stringify(found));
  const message = `${quote(key)} in adapter_config.json is ${shown}, expected ${expected}`;
  return new LLM2CLIPError('ERR_CHECKPOINT_FORMAT', message);
}

function unsupported(key: string, found: unknown): LLM2CLIPError {
  const shown = quote(JSON.stringify(found) ?? 'missing');
  return new LLM2CLIPError(
    'ERR_CHECKPOINT_UNSUPPORTED',
    `${quote(key)} in adapter_config.json is ${shown}, which is not plain LoRA; ` +
      'merge it in Python (PEFT merge_and_unload) and save the model',
  );
}
