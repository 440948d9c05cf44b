import type { VisionConfig } from '#lib/checkpoint/vision-config';

type Tower = Omit<VisionConfig, 'family' | 'activation' | 'layerNormEps' | 'ropeGrid'>;

const eva02 = (tower: Tower): VisionConfig => ({
  family: 'eva02',
  ...tower,
  activation: 'swiglu',
  layerNormEps: 1e-6,
  ropeGrid: 16,
});

const clip = (tower: Tower, activation: 'quick_gelu' | 'gelu' = 'quick_gelu'): VisionConfig => ({
  family: 'clip_vit',
  ...tower,
  activation,
  layerNormEps: 1e-5,
  ropeGrid: 0,
});

const siglip2 = (tower: Tower): VisionConfig => ({
  family: 'siglip2',
  ...tower,
  activation: 'gelu_tanh',
  layerNormEps: 1e-6,
  ropeGrid: 0,
});

const tower = (
  [imageSize, patchSize]: readonly [number, number],
  [width, layers, heads, hidden]: readonly [number, number, number, number],
  embeddingDim: number,
): Tower => ({ imageSize, patchSize, width, layers, heads, hidden, embeddingDim });

/** Published towers, and tiny towers of the same kinds for tests. */
export const PRESETS = {
  'eva02-L-14-336': eva02(tower([336, 14], [1024, 24, 16, 2730], 1280)),
  'eva02-B-16-224': eva02(tower([224, 16], [768, 12, 12, 2048], 1280)),
  'clip-L-14-336': clip(tower([336, 14], [1024, 24, 16, 4096], 1280)),
  'clip-L-14-224': clip(tower([224, 14], [1024, 24, 16, 4096], 1280)),
  'clip-B-16-224': clip(tower([224, 16], [768, 12, 12, 3072], 1280)),
  'siglip2-so400m-14-224': siglip2(tower([224, 14], [1152, 27, 16, 4304], 1152)),
  'eva02-tiny': eva02(tower([56, 14], [128, 3, 2, 341], 64)),
  'eva02-tiny-16': eva02(tower([80, 16], [192, 2, 3, 512], 96)),
  'clip-tiny': clip(tower([56, 14], [128, 3, 2, 512], 64)),
  'clip-tiny-gelu': clip(tower([56, 14], [128, 3, 2, 512], 64), 'gelu'),
  'siglip2-tiny': siglip2(tower([56, 14], [144, 3, 2, 538], 144)),
} as const satisfies Record<string, VisionConfig>;

export type Preset = keyof typeof PRESETS;
