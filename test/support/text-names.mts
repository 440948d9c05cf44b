import type { NamedShapes } from './layout-names.mts';

/** Prefixes of the text adapter in the published files. */
export const ADAPTER_PREFIXES = {
  official: 'text.text_adaptor.',
  'Hugging Face': 'text_adapter.adaptor.',
  SigLIP2: 'text.text_proj.text_adaptor.',
} as const;

/** The adapter's tensors with the names of the published files: four blocks, LayerNorm, Linear. */
export function adapterShapes(d: number, e: number): NamedShapes {
  const blocks = [0, 1, 2, 3].map((i) => ({
    [`${i}.ln.weight`]: [d],
    [`${i}.ln.bias`]: [d],
    [`${i}.fn.0.weight`]: [2 * d, d],
    [`${i}.fn.0.bias`]: [2 * d],
    [`${i}.fn.3.weight`]: [d, 2 * d],
    [`${i}.fn.3.bias`]: [d],
  }));
  const end = { '4.weight': [d], '4.bias': [d], '5.weight': [e, d], '5.bias': [e] };
  return Object.assign({}, ...blocks, end);
}

export interface LlamaSize {
  vocabulary: number;
  width: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  hidden: number;
}

/** A Llama's tensors with transformers' names, without a prefix. */
export function llamaShapes(size: LlamaSize): NamedShapes {
  const { width, hidden, headDim } = size;
  const [q, k] = [size.heads * headDim, size.kvHeads * headDim];
  const layers = Array.from({ length: size.layers }, (_, i) => ({
    [`layers.${i}.self_attn.q_proj.weight`]: [q, width],
    [`layers.${i}.self_attn.k_proj.weight`]: [k, width],
    [`layers.${i}.self_attn.v_proj.weight`]: [k, width],
    [`layers.${i}.self_attn.o_proj.weight`]: [width, q],
    [`layers.${i}.mlp.gate_proj.weight`]: [hidden, width],
    [`layers.${i}.mlp.up_proj.weight`]: [hidden, width],
    [`layers.${i}.mlp.down_proj.weight`]: [width, hidden],
    [`layers.${i}.input_layernorm.weight`]: [width],
    [`layers.${i}.post_attention_layernorm.weight`]: [width],
  }));
  const ends = { 'embed_tokens.weight': [size.vocabulary, width], 'norm.weight': [width] };
  return Object.assign(ends, ...layers);
}

/** The config.json of this Llama. */
export function llamaConfig(size: LlamaSize): Record<string, unknown> {
  return {
    model_type: 'llama',
    hidden_act: 'silu',
    attention_bias: false,
    vocab_size: size.vocabulary,
    hidden_size: size.width,
    num_hidden_layers: size.layers,
    num_attention_heads: size.heads,
    num_key_value_heads: size.kvHeads,
    intermediate_size: size.hidden,
    rms_norm_eps: 1e-5,
    rope_theta: 500_000,
    rope_scaling: null,
  };
}
