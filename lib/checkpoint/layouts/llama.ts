import type { FamilyWeights, Layout } from './layout';

const LAYER = 'layers.{i}';

/** Hugging Face's names, which are the canonical ones; wrappers add prefixes. */
const HUGGING_FACE: Layout<'llama'> = {
  name: 'Llama, Hugging Face',
  family: 'llama',
  prefixes: ['', 'model.', 'base_model.model.', 'base_model.model.model.'],
  names: {},
};

/** A tensor that every layer has, by which layers are counted. */
export const LLAMA_LAYER_NORM = `${LAYER}.input_layernorm.weight`;

/** Llama 3: no biases, RMSNorm, grouped-query attention. The output head is not needed. */
export const LLAMA: FamilyWeights<'llama'> = {
  family: 'llama',
  layouts: [HUGGING_FACE],
  tensors: [
    { name: 'embed_tokens.weight', shape: ['V', 'D'] },
    { name: LLAMA_LAYER_NORM, shape: ['D'] },
    { name: `${LAYER}.self_attn.q_proj.weight`, shape: ['Q', 'D'] },
    { name: `${LAYER}.self_attn.k_proj.weight`, shape: ['K', 'D'] },
    { name: `${LAYER}.self_attn.v_proj.weight`, shape: ['K', 'D'] },
    { name: `${LAYER}.self_attn.o_proj.weight`, shape: ['D', 'Q'] },
    { name: `${LAYER}.post_attention_layernorm.weight`, shape: ['D'] },
    { name: `${LAYER}.mlp.gate_proj.weight`, shape: ['H', 'D'] },
    { name: `${LAYER}.mlp.up_proj.weight`, shape: ['H', 'D'] },
    { name: `${LAYER}.mlp.down_proj.weight`, shape: ['D', 'H'] },
    { name: 'norm.weight', shape: ['D'] },
  ],
};
