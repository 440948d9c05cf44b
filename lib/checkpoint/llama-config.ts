import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import { type Section, sectionOf } from './section';
import type { LlamaConfig, RopeScaling } from './text-config';

/** Fields that must have these values if a configuration states them. */
const REQUIRED: readonly [string, unknown][] = [
  ['hidden_act', 'silu'],
  ['attention_bias', false],
  ['mlp_bias', false],
];

/**
 * Reads the `config.json` of a Llama, as transformers 4 or 5 writes it.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_FORMAT for a field that is missing or of the wrong type,
 *   ERR_CHECKPOINT_UNSUPPORTED for another kind of model
 */
export function readLlamaConfig(config: Section): LlamaConfig {
  requireLlama(config);
  const width = integer(config, 'hidden_size');
  const heads = integer(config, 'num_attention_heads');
  const headDim = integer(config, 'head_dim', width / heads);
  const rope = sectionOf(config.rope_parameters) ?? {};
  return {
    vocabularySize: integer(config, 'vocab_size'),
    width,
    layers: integer(config, 'num_hidden_layers'),
    heads,
    kvHeads: integer(config, 'num_key_value_heads', heads),
    headDim,
    hidden: integer(config, 'intermediate_size'),
    ropeTheta: positive('rope_theta' in rope ? rope : config, 'rope_theta'),
    ropeScaling: readScaling(sectionOf(config.rope_scaling) ?? rope),
    rmsNormEps: positive(config, 'rms_norm_eps'),
  };
}

function requireLlama(config: Section): void {
  const type = config.model_type;
  if (type !== undefined && !(typeof type === 'string' && /llama/i.test(type))) {
    throw unsupported('model_type', type, '"llama"');
  }
  for (const [key, value] of REQUIRED) {
    const found = config[key];
    if (found !== undefined && found !== null && found !== value) {
      throw unsupported(key, found, JSON.stringify(value));
    }
  }
}

function readScaling(scaling: Section): RopeScaling | null {
  const type = scaling.rope_type ?? scaling.type ?? 'default';
  if (type === 'default') return null;
  if (type !== 'llama3') throw unsupported('rope_type', type, '"llama3" or none');
  return {
    factor: positive(scaling, 'factor'),
    lowFreqFactor: positive(scaling, 'low_freq_factor'),
    highFreqFactor: positive(scaling, 'high_freq_factor'),
    originalPositions: integer(scaling, 'original_max_position_embeddings'),
  };
}

function integer(from: Section, key: string, fallback?: number): number {
  const value = from[key] ?? fallback;
  if (Number.isSafeInteger(value) && Number(value) > 0) return Number(value);
  throw wrong(key, value, 'a positive integer');
}

function positive(from: Section, key: string): number {
  const value = from[key];
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw wrong(key, value, 'a positive number');
}

function wrong(key: string, found: unknown, expected: string): LLM2CLIPError {
  const shown = found === undefined ? 'missing' : quote(JSON.stringify(found));
  return new LLM2CLIPError(
    'ERR_CHECKPOINT_FORMAT',
    `${quote(key)} in the language model's config.json is ${shown}, expected ${expected}`,
  );
}

function unsupported(key: string, found: unknown, expected: string): LLM2CLIPError {
  return new LLM2CLIPError(
    'ERR_CHECKPOINT_UNSUPPORTED',
    `${quote(key)} in the language model's config.json is ${quote(JSON.stringify(found))}, ` +
      `expected ${expected}`,
  );
}
