import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AdapterConfig, LlamaConfig } from '#lib/checkpoint/text-config';
import { writeSafetensors } from '../../test/support/safetensors-writer.mts';
import { outlierScale, rescaled } from './outliers.mts';
import { normalBytes, streamOf, type WeightDtype } from './random.mts';
import { scaleOf } from './scales.mts';

const llama = (config: Omit<LlamaConfig, 'ropeTheta' | 'rmsNormEps'>): LlamaConfig => ({
  ...config,
  ropeTheta: 5e5,
  rmsNormEps: 1e-5,
});

/** A published language model, and tiny ones of the same kinds for tests. */
export const LLAMAS = {
  'llama-3.2-1B': llama({
    vocabularySize: 128_256,
    ...{ width: 2048, layers: 16, heads: 32, kvHeads: 8, headDim: 64, hidden: 8192 },
    ropeScaling: { factor: 32, lowFreqFactor: 1, highFreqFactor: 4, originalPositions: 8192 },
  }),
  'llama-tiny': llama({
    vocabularySize: 700,
    ...{ width: 64, layers: 3, heads: 4, kvHeads: 2, headDim: 16, hidden: 176 },
    ropeScaling: null,
  }),
  // The pre-training context is so short that RoPE scaling matters in tests.
  'llama-tiny-scaled': llama({
    vocabularySize: 700,
    ...{ width: 96, layers: 2, heads: 6, kvHeads: 2, headDim: 32, hidden: 200 },
    ropeScaling: { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalPositions: 64 },
  }),
  // With outlier activations like those of trained models: see outliers.mts.
  'llama-tiny-outliers': llama({
    vocabularySize: 700,
    ...{ width: 64, layers: 3, heads: 4, kvHeads: 2, headDim: 16, hidden: 176 },
    ropeScaling: null,
  }),
} as const satisfies Record<string, LlamaConfig>;

export type LlamaPreset = keyof typeof LLAMAS;

export function adapterConfig(
  width: number,
  embeddingDim: number,
  normalizesInput: boolean,
): AdapterConfig {
  const shape = { width, layers: 4, hidden: 2 * width, embeddingDim };
  return { ...shape, normalizesInput, layerNormEps: 1e-5 };
}

export const ADAPTERS = {
  'adapter-1B': adapterConfig(2048, 1280, true),
  'adapter-tiny': adapterConfig(64, 48, true),
  'adapter-tiny-siglip2': adapterConfig(64, 48, false),
} as const satisfies Record<string, AdapterConfig>;

export type AdapterPreset = keyof typeof ADAPTERS;

type Named = [canonical: string, shape: number[]];

/** All tensors of a language model, by canonical name. */
function llamaTensors(c: LlamaConfig): Named[] {
  const [q, kv] = [c.heads * c.headDim, c.kvHeads * c.headDim];
  const layer = (i: number): Named[] => [
    [`layers.${i}.input_layernorm.weight`, [c.width]],
    [`layers.${i}.self_attn.q_proj.weight`, [q, c.width]],
    [`layers.${i}.self_attn.k_proj.weight`, [kv, c.width]],
    [`layers.${i}.self_attn.v_proj.weight`, [kv, c.width]],
    [`layers.${i}.self_attn.o_proj.weight`, [c.width, q]],
    [`layers.${i}.post_attention_layernorm.weight`, [c.width]],
    [`layers.${i}.mlp.gate_proj.weight`, [c.hidden, c.width]],
    [`layers.${i}.mlp.up_proj.weight`, [c.hidden, c.width]],
    [`layers.${i}.mlp.down_proj.weight`, [c.width, c.hidden]],
  ];
  return [
    ['embed_tokens.weight', [c.vocabularySize, c.width]],
    ...Array.from({ length: c.layers }, (_, i) => layer(i)).flat(),
    ['norm.weight', [c.width]],
  ];
}

/** All tensors of an adapter, with canonical and published names. */
export function adapterTensors(
  c: AdapterConfig,
): { canonical: string; name: string; shape: number[] }[] {
  const both = (canonical: string, name: string, [out, ...rest]: [number, ...number[]]) => [
    { canonical: `${canonical}.weight`, name: `${name}.weight`, shape: [out, ...rest] },
    { canonical: `${canonical}.bias`, name: `${name}.bias`, shape: [out] },
  ];
  const block = (i: number) => [
    ...both(`blocks.${i}.norm`, `${i}.ln`, [c.width]),
    ...both(`blocks.${i}.fc1`, `${i}.fn.0`, [c.hidden, c.width]),
    ...both(`blocks.${i}.fc2`, `${i}.fn.3`, [c.width, c.hidden]),
  ];
  return [
    ...Array.from({ length: c.layers }, (_, i) => block(i)).flat(),
    ...both('norm', `${c.layers}`, [c.width]),
    ...both('head', `${c.layers + 1}`, [c.embeddingDim, c.width]),
  ];
}

/** config.json as transformers writes it for Llama. */
function huggingFaceConfig(c: LlamaConfig): object {
  const s = c.ropeScaling;
  return {
    model_type: 'llama',
    architectures: ['LlamaModel'],
    hidden_act: 'silu',
    vocab_size: c.vocabularySize,
    hidden_size: c.width,
    intermediate_size: c.hidden,
    num_hidden_layers: c.layers,
    num_attention_heads: c.heads,
    num_key_value_heads: c.kvHeads,
    head_dim: c.headDim,
    rms_norm_eps: c.rmsNormEps,
    rope_theta: c.ropeTheta,
    max_position_embeddings: 8192,
    rope_scaling: s && {
      rope_type: 'llama3',
      factor: s.factor,
      low_freq_factor: s.lowFreqFactor,
      high_freq_factor: s.highFreqFactor,
      original_max_position_embeddings: s.originalPositions,
    },
  };
}

export interface SyntheticTextOptions {
  dtype: WeightDtype;
  seed: number;
  /** A prefix for each name of a language model. Default `model.`. */
  prefix?: string;
}

const data = (
  canonical: string,
  shape: readonly number[],
  { dtype, seed }: SyntheticTextOptions,
) => {
  const count = shape.reduce((product, size) => product * size, 1);
  return normalBytes(streamOf(seed, canonical), count, scaleOf(canonical, shape), dtype);
};

function llamaData(
  preset: LlamaPreset,
  canonical: string,
  shape: readonly number[],
  options: SyntheticTextOptions,
) {
  const numbers = data(canonical, shape, options);
  const rescale = preset === 'llama-tiny-outliers' ? outlierScale(canonical) : null;
  if (rescale === null) return numbers;
  if (options.dtype !== 'f32') throw new TypeError(`expected f32 for ${preset}`);
  return [rescaled(numbers, shape.at(-1) as number, rescale)];
}

/** Writes a language model with random weights to `folder` and returns the path of its file. */
export async function writeSyntheticLlama(
  folder: string,
  preset: LlamaPreset,
  options: SyntheticTextOptions,
): Promise<string> {
  const config = LLAMAS[preset];
  const { dtype, prefix = 'model.' } = options;
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'model.safetensors');
  const tensors = llamaTensors(config).map(([canonical, shape]) => {
    return {
      ...{ name: prefix + canonical, shape, dtype },
      data: llamaData(preset, canonical, shape, options),
    };
  });
  writeSafetensors(path, tensors);
  await writeFile(join(folder, 'config.json'), JSON.stringify(huggingFaceConfig(config), null, 2));
  return path;
}

/** Writes only an adapter, under its official names. */
export async function writeSyntheticAdapter(
  folder: string,
  preset: AdapterPreset,
  options: SyntheticTextOptions,
): Promise<string> {
  const { dtype } = options;
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'adapter.safetensors');
  const prefix = ADAPTERS[preset].normalizesInput
    ? 'text.text_adaptor.'
    : 'text.text_proj.text_adaptor.';
  const tensors = adapterTensors(ADAPTERS[preset]).map(({ canonical, name, shape }) => {
    return { name: prefix + name, shape, dtype, data: data(canonical, shape, options) };
  });
  writeSafetensors(path, tensors);
  return path;
}
