import type { Quantisation } from '#lib/bundle/quantisation';
import type { BundleContent } from '#lib/bundle/seal';
import { OPERATORS_VERSION } from '#lib/engines/torchscript';

/** The manifest of a bundle whose engine is a few bytes and is never opened. */
export const CONTENT = {
  model: { family: 'eva02', imageSize: 56, embeddingDim: 64 },
  preprocessing: { size: 56, resample: 'bicubic', mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] },
  engine: {
    kind: 'torchscript',
    flavour: 'native',
    version: '2.11.0',
    operators: OPERATORS_VERSION,
  },
  precision: 'fp32',
  batch: { max: 8 },
  computeCapabilities: [],
  parts: { vision: 'vision/1/model.pt' },
  builtBy: { llm2clip: '0.1.0', platform: 'linux-x64' },
  source: { layout: 'official', format: 'torch' },
  parameters: 1,
} satisfies BundleContent;

/** The quantisation of an int8 engine in a manifest. */
export const QUANTISATION: Quantisation = {
  pictures: 32,
  gate: 0.995,
  allInt8MinCosine: 0.993,
  minCosine: 0.996,
  layers: [{ name: 'blocks.0.attn.q_proj.weight', precision: 'bf16', cosine: 0.98 }],
};
