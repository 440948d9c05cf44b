import type { Family } from './layouts/families';
import type { Activation } from './layouts/layout';

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
