import type { TensorEntry } from '../table';

/**
 * What a letter of the canonical shapes may be: D width, H hidden, E embedding, P patch, N positions;
 * of a language model V vocabulary, Q all its query heads, K all its key heads.
 */
export const DIMENSION_SYMBOLS = ['D', 'H', 'E', 'P', 'N', 'V', 'Q', 'K'] as const;
export type DimensionSymbol = (typeof DIMENSION_SYMBOLS)[number];

/** A size in a canonical shape: a letter or a plain number. "2D" is twice the width. */
export type Size = DimensionSymbol | '2D' | number;

/** A weight as csrc/model binds it. `{i}` in the name stands for the number of a block. */
export interface CanonicalTensor {
  name: string;
  shape: readonly Size[];
}

/** A whole tensor of the checkpoint, or one third (q, k or v: 0, 1, 2) of its rows. */
export type Source = string | { fused: string; part: 0 | 1 | 2 };

/** A canonical weight, and the tensor of the checkpoint that it is or is part of. */
export interface Binding {
  tensor: CanonicalTensor;
  /** With the block's number filled in. */
  name: string;
  source: Source;
  entry: TensorEntry;
}

/** The library whose file names a checkpoint has. What its configuration files say counts first. */
export type Origin = 'transformers' | 'timm' | 'open_clip';

/** How one kind of file names the weights of one family, of a vision tower unless said otherwise. */
export interface Layout<F = string> {
  name: string;
  family: F;
  /** Default transformers. */
  origin?: Origin;
  /** Each of these may stand before all names. */
  prefixes: readonly string[];
  /**
   * Canonical tensor or module → its names here; the first that is there is taken. A module's
   * entry holds for its weight and bias. What is not listed has its canonical name.
   */
  names: Readonly<Record<string, readonly Source[]>>;
}

/** All weights of a family and every way in which files name them. */
export interface FamilyWeights<F = string> {
  family: F;
  tensors: readonly CanonicalTensor[];
  layouts: readonly Layout<F>[];
}

export const ACTIVATIONS = ['quick_gelu', 'gelu', 'gelu_tanh', 'swiglu'] as const;
export type Activation = (typeof ACTIVATIONS)[number];

/** A family of vision towers: its weights, and what their shapes cannot tell, as published models have it. */
export interface VisionFamily<F = string> extends FamilyWeights<F> {
  /** Widths of a head to try, in this order. */
  headWidths: readonly number[];
  /** Heads of towers of these widths, whose heads are not of the first of `headWidths` that fits. */
  headsByWidth?: Readonly<Record<number, number>>;
  /** Positions before those of the patches. */
  classTokens: 0 | 1;
  /** swiglu is in the weights: what a configuration says counts for the others alone. */
  activation: Activation;
  layerNormEps: number;
  /** Grid of the pre-training, which a configuration may correct; 0 without rotary embedding. */
  ropeGrid: number;
}

/** Where `layout` may keep a canonical tensor, first choice first, without the prefix. */
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

/** Weight and bias of a LayerNorm. */
export function layerNorm(name: string, size: Size = 'D'): CanonicalTensor[] {
  return [
    { name: `${name}.weight`, shape: [size] },
    { name: `${name}.bias`, shape: [size] },
  ];
}

/** Weight and bias of a linear layer. */
export function linear(name: string, out: Size, input: Size): CanonicalTensor[] {
  return [
    { name: `${name}.weight`, shape: [out, input] },
    { name: `${name}.bias`, shape: [out] },
  ];
}

/** The block of the original ViT: attention and a two-layer MLP, a LayerNorm before each. */
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
