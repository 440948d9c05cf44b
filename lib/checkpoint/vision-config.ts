/** The vision towers this project knows; one file each in csrc/model. */
export const FAMILIES = ['eva02', 'clip_vit', 'siglip2'] as const;
export type Family = (typeof FAMILIES)[number];

export const ACTIVATIONS = ['quick_gelu', 'gelu', 'gelu_tanh', 'swiglu'] as const;
export type Activation = (typeof ACTIVATIONS)[number];

/** A vision tower as plain numbers: what csrc/model needs to build it. */
export interface VisionConfig {
  family: Family;
  /** Edge of the square input, in pixels; a multiple of `patchSize`. */
  imageSize: number;
  patchSize: number;
  /** Width of a token (D). */
  width: number;
  layers: number;
  heads: number;
  /** Width of the MLP's hidden layer; for SwiGLU the width of each of gate and value. */
  hidden: number;
  /** Width of the embedding (E). */
  embeddingDim: number;
  activation: Activation;
  layerNormEps: number;
  /** Grid of the pre-training, to which EVA02's rotary positions are scaled; 0 without rotary embedding. */
  ropeGrid: number;
}
