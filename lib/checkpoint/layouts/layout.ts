import type { TensorEntry } from '../table';

/**
 * Letters of the canonical shapes: D width, H hidden width, E embedding, P patch size, N positions.
 * In a language model: V vocabulary, Q width of all query heads, K width of all key heads.
 */
export const DIMENSION_SYMBOLS = ['D', 'H', 'E', 'P', 'N', 'V', 'Q', 'K'] as const;
export type DimensionSymbol = (typeof DIMENSION_SYMBOLS)[number];

/** A size in a canonical shape: a letter or a number. "2D" is twice the width. */
export type Size = DimensionSymbol | '2D' | number;

/** A weight as csrc/model binds it. `{i}` in the name stands for the number of a block. */
export interface CanonicalTensor {
  name: string;
  shape: readonly Size[];
}

/** A tensor of the checkpoint, or one third of its rows (0, 1 and 2 are q, k and v). */
export type Source = string | { fused: string; part: 0 | 1 | 2 };

/** A canonical weight, and the tensor of the checkpoint that holds it. */
export interface Binding {
  tensor: CanonicalTensor;
  /** Name with the block's number filled in. */
  name: string;
  source: Source;
  entry: TensorEntry;
}

/** The library that a checkpoint comes from. Its configuration files take precedence. */
export type Origin = 'transformers' | 'timm' | 'open_clip';

/**
 * The names of a family's weights in one kind of file. The family is one of vision towers unless
 * stated otherwise.
 */
export interface Layout<F = string> {
  name: string;
  family: F;
  /** Default: transformers. */
  origin?: Origin;
  /** Prefixes of which each may precede all names. */
  prefixes: readonly string[];
  /**
   * Names in this layout by canonical tensor or module. The first one that exists is used. The
   * entry of a module applies to its weight and its bias. Tensors that are not listed have their
   * canonical names.
   */
  names: Readonly<Record<string, readonly Source[]>>;
}

/** All weights of a family, and all layouts that name them. */
export interface FamilyWeights<F = string> {
  family: F;
  tensors: readonly CanonicalTensor[];
  layouts: readonly Layout<F>[];
}

export const ACTIVATIONS = ['quick_gelu', 'gelu', 'gelu_tanh', 'swiglu'] as const;
export type Activation = (typeof ACTIVATIONS)[number];

/** A family of vision towers: its weights, and the values of published models that shapes do not reveal. */
export interface VisionFamily<F = string> extends FamilyWeights<F> {
  /** Head dimensions to try, in this order. */
  headDims: readonly number[];
  /** Number of heads by width of the tower, where the first fitting head dimension would be wrong. */
  headsByWidth?: Readonly<Record<number, number>>;
  /** Number of positions before those of the patches. */
  classTokens: 0 | 1;
  /** The weights show swiglu; of the other activations a configuration may name any. */
  activation: Activation;
  layerNormEps: number;
  /** Grid of the pre-training, which a configuration may correct; 0 without RoPE. */
  ropeGrid: number;
}

/**
 * Returns the possible names of a canonical tensor in a layout, in order and without the prefix.
 */
export function sourcesOf(layout: Layout<unknown>, tensor: string): readonly Source[] {
  const exact = layout.names[tensor];
  if (exact !== undefined) return exact;
  const dot = tensor.lastIndexOf('.');
  const module = layout.names[tensor.slice(0, dot)];
  return module?.map((source) => `${sourceName(source)}${tensor.slice(dot)}`) ?? [tensor];
}

export function sourceName(source: Source): string {
  return typeof source === 'string' ? source : source.fused;
}

/** Returns the weight and the bias of a LayerNorm. */
export function layerNorm(name: string, size: Size = 'D'): CanonicalTensor[] {
  return [
    { name: `${name}.weight`, shape: [size] },
    { name: `${name}.bias`, shape: [size] },
  ];
}

/** Returns the weight and the bias of a linear layer. */
export function linear(name: string, out: Size, input: Size): CanonicalTensor[] {
  return [
    { name: `${name}.weight`, shape: [out, input] },
    { name: `${name}.bias`, shape: [out] },
  ];
}

/**
 * Returns a block of the original ViT: attention and a two-layer MLP, with a LayerNorm before each.
 */
export function vitBlock(name: string): CanonicalTensor[] {
  return [
    ...layerNorm(`${name}.norm1`),
    ...linear(`${name}.attn.q_proj`, 'D', 'D'),
    ...linear(`${name}.attn.k_proj`, 'D', 'D'),
    ...linear(`${name}.attn.v_proj`, 'D', 'D'),
    ...linear(`${name}.attn.proj`, 'D', 'D'),
    ...layerNorm(`${name}.norm2`),
    ...linear(`${name}.mlp.fc1`, 'H', 'D'),
    ...linear(`${name}.mlp.fc2`, 'D', 'H'),
  ];
}
