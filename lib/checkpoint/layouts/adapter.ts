import { type FamilyWeights, type Layout, layerNorm, linear, type Source } from './layout';

/** The model family of an adapter; the families differ in the adapter's input. */
export type AdapterFamily = 'clip' | 'siglip2';

export const ADAPTER_LAYERS = 4;
const BLOCKS = Array.from({ length: ADAPTER_LAYERS }, (_, i) => i);

/**
 * In all files the parts are those of one torch.nn.Sequential: the blocks, a LayerNorm, a Linear.
 */
const NAMES: Readonly<Record<string, readonly Source[]>> = Object.fromEntries([
  ...BLOCKS.flatMap((i) => [
    [`blocks.${i}.norm`, [`${i}.ln`]],
    [`blocks.${i}.fc1`, [`${i}.fn.0`]],
    [`blocks.${i}.fc2`, [`${i}.fn.3`]],
  ]),
  ['norm', [`${ADAPTER_LAYERS}`]],
  ['head', [`${ADAPTER_LAYERS + 1}`]],
]);

const OFFICIAL: Layout<AdapterFamily> = {
  name: 'text adapter, official',
  family: 'clip',
  prefixes: ['text.text_adaptor.'],
  names: NAMES,
};

const HUGGING_FACE: Layout<AdapterFamily> = {
  name: 'text adapter, Hugging Face',
  family: 'clip',
  prefixes: ['text_adapter.adaptor.'],
  names: NAMES,
};

const SIGLIP2: Layout<AdapterFamily> = {
  name: 'text adapter, SigLIP2',
  family: 'siglip2',
  prefixes: ['text.text_proj.text_adaptor.'],
  names: NAMES,
};

/**
 * Four blocks x + fc2(gelu(fc1(norm x))), then a LayerNorm and a linear layer. D is the LLM's
 * width.
 */
export const ADAPTER: FamilyWeights<AdapterFamily> = {
  family: 'clip',
  layouts: [OFFICIAL, HUGGING_FACE, SIGLIP2],
  tensors: [
    ...BLOCKS.flatMap((i) => [
      ...layerNorm(`blocks.${i}.norm`),
      ...linear(`blocks.${i}.fc1`, '2D', 'D'),
      ...linear(`blocks.${i}.fc2`, 'D', '2D'),
    ]),
    ...layerNorm('norm'),
    ...linear('head', 'E', 'D'),
  ],
};
