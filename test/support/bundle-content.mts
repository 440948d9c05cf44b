import type { BundleContent } from '#lib/bundle/seal';

/** What a manifest says of a bundle whose engine is a few bytes that nobody opens. */
export const CONTENT: BundleContent = {
  model: { family: 'eva02', imageSize: 56, embeddingDim: 64 },
  preprocessing: { size: 56, resample: 'bicubic', mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] },
  engine: { kind: 'torchscript', flavour: 'native', version: '2.11.0', operators: 1 },
  precision: 'fp32',
  batch: { max: 8 },
  computeCapabilities: [],
  parts: { vision: 'vision/1/model.pt' },
  builtBy: { llm2clip: '0.1.0', platform: 'linux-x64' },
  source: { layout: 'official', format: 'torch' },
  parameters: 1,
};
