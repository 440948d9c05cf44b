/** The adapter from a text's LLM embedding to the space of images, as plain numbers. */
export interface AdapterConfig {
  /** Width of the LLM embedding (d). */
  width: number;
  /** Residual blocks. */
  layers: number;
  /** Width of each block's hidden layer. */
  hidden: number;
  /** Width of the text embedding (E). */
  embeddingDim: number;
  /** Whether the LLM embedding is L2-normalised first. */
  normalizesInput: boolean;
  layerNormEps: number;
}

/** Llama 3's stretching of low frequencies to contexts beyond that of the pre-training. */
export interface RopeScaling {
  factor: number;
  lowFreqFactor: number;
  highFreqFactor: number;
  /** Positions of the pre-training. */
  originalPositions: number;
}

/** A Llama encoder as plain numbers; every head attends to all tokens. */
export interface LlamaConfig {
  vocabularySize: number;
  /** Width of a token (D). */
  width: number;
  layers: number;
  heads: number;
  /** Heads of keys and values, each shared by heads / kvHeads query heads. */
  kvHeads: number;
  headWidth: number;
  /** Width of each of gate and value in the SwiGLU MLP. */
  hidden: number;
  ropeTheta: number;
  /** Null without scaling. */
  ropeScaling: RopeScaling | null;
  rmsNormEps: number;
}
