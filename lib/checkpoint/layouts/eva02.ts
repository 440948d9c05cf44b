import { type Layout, layerNorm, linear, type Source, type VisionFamily } from './layout';

const fused = (part: 0 | 1 | 2): Source => ({ fused: 'blocks.{i}.attn.qkv.weight', part });

/** Names in older EVA-CLIP files: one matrix for q, k and v, and separate biases of q and v. */
const ATTENTION: Layout['names'] = {
  'blocks.{i}.attn.q_proj.weight': ['blocks.{i}.attn.q_proj.weight', fused(0)],
  'blocks.{i}.attn.k_proj.weight': ['blocks.{i}.attn.k_proj.weight', fused(1)],
  'blocks.{i}.attn.v_proj.weight': ['blocks.{i}.attn.v_proj.weight', fused(2)],
  'blocks.{i}.attn.q_proj.bias': ['blocks.{i}.attn.q_proj.bias', 'blocks.{i}.attn.q_bias'],
  'blocks.{i}.attn.v_proj.bias': ['blocks.{i}.attn.v_proj.bias', 'blocks.{i}.attn.v_bias'],
};

const OFFICIAL: Layout<'eva02'> = {
  name: 'EVA02, official',
  family: 'eva02',
  prefixes: ['visual.', ''],
  names: ATTENTION,
};

/** timm's names, which open_clip's files have under `visual.trunk.`. */
const TIMM: Layout<'eva02'> = {
  name: 'EVA02, timm',
  family: 'eva02',
  origin: 'timm',
  prefixes: ['', 'visual.trunk.', 'visual.'],
  names: {
    ...ATTENTION,
    'blocks.{i}.attn.inner_attn_ln': ['blocks.{i}.attn.norm'],
    'blocks.{i}.mlp.w1': ['blocks.{i}.mlp.fc1_g'],
    'blocks.{i}.mlp.w2': ['blocks.{i}.mlp.fc1_x'],
    'blocks.{i}.mlp.ffn_ln': ['blocks.{i}.mlp.norm'],
    'blocks.{i}.mlp.w3': ['blocks.{i}.mlp.fc2'],
  },
};

const BLOCK = 'vision_model.encoder.layers.{i}';

const HUGGING_FACE: Layout<'eva02'> = {
  name: 'EVA02, Hugging Face',
  family: 'eva02',
  prefixes: [''],
  names: {
    cls_token: ['vision_model.embeddings.class_embedding'],
    pos_embed: ['vision_model.embeddings.position_embedding.weight'],
    'patch_embed.proj': ['vision_model.embeddings.patch_embedding'],
    'blocks.{i}.norm1': [`${BLOCK}.layer_norm1`],
    'blocks.{i}.attn.q_proj': [`${BLOCK}.self_attn.q_proj`],
    'blocks.{i}.attn.k_proj': [`${BLOCK}.self_attn.k_proj`],
    'blocks.{i}.attn.v_proj': [`${BLOCK}.self_attn.v_proj`],
    'blocks.{i}.attn.inner_attn_ln': [
      `${BLOCK}.self_attn.inner_attn_ln`,
      `${BLOCK}.self_attn.inner_self_attn_ln`,
    ],
    'blocks.{i}.attn.proj': [`${BLOCK}.self_attn.out_proj`],
    'blocks.{i}.norm2': [`${BLOCK}.layer_norm2`],
    'blocks.{i}.mlp.w1': [`${BLOCK}.mlp.w1`, `${BLOCK}.mlp.fc1`],
    'blocks.{i}.mlp.w2': [`${BLOCK}.mlp.w2`, `${BLOCK}.mlp.fc2`],
    'blocks.{i}.mlp.ffn_ln': [`${BLOCK}.mlp.ffn_ln`],
    'blocks.{i}.mlp.w3': [`${BLOCK}.mlp.w3`, `${BLOCK}.mlp.fc3`],
    norm: ['vision_model.post_layernorm'],
    head: ['visual_projection'],
  },
};

/** EVA02: pre-norm blocks with sub-LayerNorms and SwiGLU; k has no bias. */
export const EVA02: VisionFamily<'eva02'> = {
  family: 'eva02',
  headDims: [64],
  classTokens: 1,
  activation: 'swiglu',
  layerNormEps: 1e-6,
  ropeGrid: 16,
  layouts: [OFFICIAL, TIMM, HUGGING_FACE],
  tensors: [
    { name: 'cls_token', shape: [1, 1, 'D'] },
    { name: 'pos_embed', shape: [1, 'N', 'D'] },
    { name: 'patch_embed.proj.weight', shape: ['D', 3, 'P', 'P'] },
    { name: 'patch_embed.proj.bias', shape: ['D'] },
    ...layerNorm('blocks.{i}.norm1'),
    ...linear('blocks.{i}.attn.q_proj', 'D', 'D'),
    { name: 'blocks.{i}.attn.k_proj.weight', shape: ['D', 'D'] },
    ...linear('blocks.{i}.attn.v_proj', 'D', 'D'),
    ...layerNorm('blocks.{i}.attn.inner_attn_ln'),
    ...linear('blocks.{i}.attn.proj', 'D', 'D'),
    ...layerNorm('blocks.{i}.norm2'),
    ...linear('blocks.{i}.mlp.w1', 'H', 'D'),
    ...linear('blocks.{i}.mlp.w2', 'H', 'D'),
    ...layerNorm('blocks.{i}.mlp.ffn_ln', 'H'),
    ...linear('blocks.{i}.mlp.w3', 'D', 'H'),
    ...layerNorm('norm'),
    ...linear('head', 'E', 'D'),
  ],
};
