// Reads open_clip's preprocess_cfg, as its image_transform applies it for inference.
import { CLIP_MEAN, CLIP_STD, type Preprocessing } from '../../image/preprocessing';
import {
  deviation,
  mean,
  requireSize,
  resample,
  type Statement,
  stated,
  unsupported,
} from './fields';

const RESIZE_MODES: readonly unknown[] = ['shortest', 'squash'];

/**
 * Reads a preprocess_cfg of open_clip.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_UNSUPPORTED, ERR_CHECKPOINT_MISMATCH
 */
export function fromOpenClip(from: Statement, size: number): Preprocessing {
  const colours = stated(from, 'mode') ?? 'RGB';
  if (colours !== 'RGB') throw unsupported(from, 'mode', colours, '"RGB"');
  const mode = stated(from, 'resize_mode') ?? 'shortest';
  if (!RESIZE_MODES.includes(mode)) {
    throw unsupported(from, 'resize_mode', mode, RESIZE_MODES.join(' or '));
  }
  requireSize(from, 'size', stated(from, 'size') ?? size, size);
  return {
    ...{ size, resample: resample(from, 'interpolation', 'bicubic') },
    mean: mean(from, 'mean', CLIP_MEAN),
    std: deviation(from, 'std', CLIP_STD),
    ...{ squash: mode === 'squash', crop: 'half-even' },
  };
}
