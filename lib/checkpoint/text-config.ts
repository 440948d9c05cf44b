/** The configuration of the adapter, which maps a text's LLM embedding to the space of images. */
export interface AdapterConfig {
  /** Width of the LLM embedding (d). */
  width: number;
  /** Number of residual blocks. */
  layers: number;
  /** Width of each block's hidden layer. */
  hidden: number;
  /** Width of the text embedding (E). */
  embeddingDim: number;
  /** Whether the LLM embedding is L2-normalised first. */
  normalizesInput: boolean;
  layerNormEps: number;
}

/**
 * Llama 3's scaling of RoPE, which stretches low frequencies for contexts beyond the pre-training.
 */
export interface RopeScaling {
  factor: number;
  lowFreqFactor: number;
  highFreqFactor: number;
  /** Number of positions in the pre-training. */
  originalPositions: number;
}

/** The configuration of a Llama encoder. Its attention is bidirectional. */
export interface LlamaConfig {
  vocabularySize: number;
  /** Width of a token (D). */
  width: number;
  layers: number;
  heads: number;
  /** Number of key and value heads, each shared by heads / kvHeads query heads. */
  kvHeads: number;
  headDim: number;
  /** Width of the gate and of the value each in the SwiGLU MLP. */
  hidden: number;
  ropeTheta: number;
  /** Scaling of RoPE; null without scaling. */
  ropeScaling: RopeScaling | null;
  rmsNormEps: number;
}
