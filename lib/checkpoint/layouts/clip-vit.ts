import { type Layout, layerNorm, type VisionFamily, vitBlock } from './layout';

const BLOCK = 'vision_model.encoder.layers.{i}';

const HUGGING_FACE: Layout<'clip_vit'> = {
  name: 'OpenAI CLIP, Hugging Face',
  family: 'clip_vit',
  prefixes: [''],
  names: {
    cls_token: ['vision_model.embeddings.class_embedding'],
    pos_embed: ['vision_model.embeddings.position_embedding.weight'],
    'patch_embed.proj': ['vision_model.embeddings.patch_embedding'],
    norm_pre: ['vision_model.pre_layrnorm'], // sic
    'blocks.{i}.norm1': [`${BLOCK}.layer_norm1`],
    'blocks.{i}.attn.q_proj': [`${BLOCK}.self_attn.q_proj`],
    'blocks.{i}.attn.k_proj': [`${BLOCK}.self_attn.k_proj`],
    'blocks.{i}.attn.v_proj': [`${BLOCK}.self_attn.v_proj`],
    'blocks.{i}.attn.proj': [`${BLOCK}.self_attn.out_proj`],
    'blocks.{i}.norm2': [`${BLOCK}.layer_norm2`],
    'blocks.{i}.mlp.fc1': [`${BLOCK}.mlp.fc1`],
    'blocks.{i}.mlp.fc2': [`${BLOCK}.mlp.fc2`],
    norm: ['vision_model.post_layernorm'],
    head: ['visual_projection'],
  },
};

/**
 * OpenAI's CLIP ViT, with no biases in patch embedding and projection and a LayerNorm before the
 * blocks.
 */
export const CLIP_VIT: VisionFamily<'clip_vit'> = {
  family: 'clip_vit',
  headDims: [64],
  classTokens: 1,
  activation: 'quick_gelu',
  layerNormEps: 1e-5,
  ropeGrid: 0,
  layouts: [HUGGING_FACE],
  tensors: [
    { name: 'cls_token', shape: [1, 1, 'D'] },
    { name: 'pos_embed', shape: [1, 'N', 'D'] },
    { name: 'patch_embed.proj.weight', shape: ['D', 3, 'P', 'P'] },
    ...layerNorm('norm_pre'),
    ...vitBlock('blocks.{i}'),
    ...layerNorm('norm'),
    { name: 'head.weight', shape: ['E', 'D'] },
  ],
};
