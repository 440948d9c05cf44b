import { type Layout, layerNorm, linear, type Source, type VisionFamily, vitBlock } from './layout';

const fused = (tensor: 'weight' | 'bias', part: 0 | 1 | 2): Source[] => [
  { fused: `blocks.{i}.attn.qkv.${tensor}`, part },
];

/** timm's names, which open_clip's files have under `visual.trunk.`. */
const TIMM: Layout<'siglip2'> = {
  name: 'SigLIP2, timm',
  family: 'siglip2',
  origin: 'timm',
  prefixes: ['', 'visual.trunk.', 'visual.'],
  names: {
    'blocks.{i}.attn.q_proj.weight': fused('weight', 0),
    'blocks.{i}.attn.q_proj.bias': fused('bias', 0),
    'blocks.{i}.attn.k_proj.weight': fused('weight', 1),
    'blocks.{i}.attn.k_proj.bias': fused('bias', 1),
    'blocks.{i}.attn.v_proj.weight': fused('weight', 2),
    'blocks.{i}.attn.v_proj.bias': fused('bias', 2),
  },
};

/** SigLIP's ViT, with no class token and with an attention pool in place of the projection. */
export const SIGLIP2: VisionFamily<'siglip2'> = {
  family: 'siglip2',
  headDims: [64, 72],
  // So400m: 64 would divide its width too.
  headsByWidth: { 1152: 16 },
  classTokens: 0,
  activation: 'gelu_tanh',
  layerNormEps: 1e-6,
  ropeGrid: 0,
  layouts: [TIMM],
  tensors: [
    { name: 'pos_embed', shape: [1, 'N', 'D'] },
    { name: 'patch_embed.proj.weight', shape: ['D', 3, 'P', 'P'] },
    { name: 'patch_embed.proj.bias', shape: ['D'] },
    ...vitBlock('blocks.{i}'),
    ...layerNorm('norm'),
    { name: 'attn_pool.latent', shape: [1, 1, 'D'] },
    ...linear('attn_pool.q', 'D', 'D'),
    ...linear('attn_pool.kv', '2D', 'D'),
    ...linear('attn_pool.proj', 'D', 'D'),
    ...layerNorm('attn_pool.norm'),
    ...linear('attn_pool.mlp.fc1', 'H', 'D'),
    ...linear('attn_pool.mlp.fc2', 'D', 'H'),
  ],
};
