// Reads timm's config.json, as its create_transform applies a pretrained_cfg.
import { IMAGENET_MEAN, IMAGENET_STD, type Preprocessing } from '../../image/preprocessing';
import { isSection, type Section } from '../section';
import {
  deviation,
  mean,
  positive,
  refuse,
  requireSize,
  resample,
  type Statement,
  stated,
  unsupported,
} from './fields';

const CROP_MODES: readonly unknown[] = ['center', 'squash'];

/**
 * Returns the part of timm's config.json about preprocessing, which older files have at the top
 * level.
 */
export function pretrainedConfigOf(config: Section): Section | undefined {
  if (isSection(config.pretrained_cfg)) return config.pretrained_cfg;
  const flat = typeof config.architecture === 'string' && Array.isArray(config.input_size);
  return flat ? config : undefined;
}

/**
 * Reads a pretrained_cfg of timm.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_UNSUPPORTED, ERR_CHECKPOINT_MISMATCH
 */
export function fromTimm(from: Statement, size: number): Preprocessing {
  const inputSize = stated(from, 'input_size');
  if (inputSize !== undefined) {
    const edges = Array.isArray(inputSize) && inputSize.length === 3 ? inputSize.slice(1) : [];
    requireSize(from, 'input_size', edges, size);
  }
  const mode = stated(from, 'crop_mode') ?? 'center';
  if (!CROP_MODES.includes(mode)) {
    throw unsupported(from, 'crop_mode', mode, CROP_MODES.join(' or '));
  }
  refuse(from, ['crop_border_pixels']);
  const share = positive(from, 'crop_pct', 0.875);
  if (share > 1) throw unsupported(from, 'crop_pct', share, 'a share of at most 1');
  return {
    ...{ size, resample: resample(from, 'interpolation', 'bicubic') },
    mean: mean(from, 'mean', IMAGENET_MEAN),
    std: deviation(from, 'std', IMAGENET_STD),
    ...{ resize: Math.floor(size / share), squash: mode === 'squash', crop: 'half-even' },
  };
}
