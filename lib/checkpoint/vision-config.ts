import type { Family } from './layouts/families';
import type { Activation } from './layouts/layout';

/** The configuration of a vision tower, from which csrc/model builds it. */
export interface VisionConfig {
  family: Family;
  /** Edge of the square input, in pixels; a multiple of `patchSize`. */
  imageSize: number;
  patchSize: number;
  /** Width of a token (D). */
  width: number;
  layers: number;
  heads: number;
  /** Width of the MLP's hidden layer; for SwiGLU, of the gate and of the value each. */
  hidden: number;
  /** Width of the embedding (E). */
  embeddingDim: number;
  activation: Activation;
  layerNormEps: number;
  /** Grid of the pre-training, to which EVA02's RoPE positions are scaled; 0 without RoPE. */
  ropeGrid: number;
}
