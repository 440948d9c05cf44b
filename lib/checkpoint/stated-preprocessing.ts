import { LLM2CLIPError } from '../errors';
import { CLIP_MEAN, CLIP_STD, type Preprocessing } from '../preprocessing';
import { quote } from './quote';
import type { CheckpointTable } from './table';

type Section = Readonly<Record<string, unknown>>;
type Triple = [number, number, number];

/** PIL's number for bicubic, which Hugging Face's processors write. */
const PIL_BICUBIC = 3;
/** Steps of Hugging Face's processors that are always done here. */
const STEPS = ['do_resize', 'do_center_crop', 'do_rescale', 'do_normalize'];

/**
 * The preprocessing of a tower: CLIP's, unless a `preprocessor_config.json` beside the checkpoint
 * or the `preprocess_cfg` of an open_clip configuration says otherwise.
 *
 * @throws {LLM2CLIPError} ERR_CHECKPOINT_UNSUPPORTED for steps that are not known here,
 *   ERR_CHECKPOINT_MISMATCH for another size than the weights'
 */
export function resolvePreprocessing(table: CheckpointTable, size: number): Preprocessing {
  const clip: Preprocessing = { size, resample: 'bicubic', mean: CLIP_MEAN, std: CLIP_STD };
  if (table.preprocessor !== undefined) return fromProcessor(table.preprocessor, clip);
  const openClip = table.config?.preprocess_cfg;
  return isSection(openClip) ? fromOpenClip(openClip, clip) : clip;
}

function fromProcessor(processor: Section, clip: Preprocessing): Preprocessing {
  const { resample, rescale_factor: factor, image_processor_type: type } = processor;
  for (const step of STEPS) {
    if (processor[step] === false) throw unsupported(step, false, 'true');
  }
  if (resample !== undefined && resample !== PIL_BICUBIC && resample !== 'bicubic') {
    throw unsupported('resample', resample, `${PIL_BICUBIC} (bicubic)`);
  }
  const scaled = typeof factor === 'number' ? factor * 255 : Number.NaN;
  if (factor !== undefined && !(Math.abs(scaled - 1) < 1e-6)) {
    throw unsupported('rescale_factor', factor, '1/255');
  }
  // SigLIP's own processor squashes a picture to the square instead of cropping it.
  if (typeof type === 'string' && type.startsWith('Siglip') && processor.do_center_crop !== true) {
    throw unsupported('image_processor_type', type, 'a processor that crops, such as CLIP’s');
  }
  checkSize('size', processor.size, clip.size);
  checkSize('crop_size', processor.crop_size, clip.size);
  return {
    ...clip,
    mean: triple('image_mean', processor.image_mean) ?? clip.mean,
    std: deviation('image_std', processor.image_std) ?? clip.std,
  };
}

function fromOpenClip(config: Section, clip: Preprocessing): Preprocessing {
  const { interpolation, resize_mode: mode } = config;
  if (interpolation !== undefined && interpolation !== 'bicubic') {
    throw unsupported('interpolation', interpolation, '"bicubic"');
  }
  if (mode !== undefined && mode !== 'shortest')
    throw unsupported('resize_mode', mode, '"shortest"');
  checkSize('size', config.size, clip.size);
  return {
    ...clip,
    mean: triple('mean', config.mean) ?? clip.mean,
    std: deviation('std', config.std) ?? clip.std,
  };
}

/** A number, a pair, `{shortest_edge}` or `{height, width}`: all of it must be the weights' size. */
function checkSize(key: string, value: unknown, size: number): void {
  if (value === undefined || value === null) return;
  const found: unknown[] = isSection(value) ? Object.values(value) : [value].flat();
  if (found.length > 0 && found.every((edge) => edge === size)) return;
  throw new LLM2CLIPError(
    'ERR_CHECKPOINT_MISMATCH',
    `the preprocessing says ${quote(key)} is ${quote(JSON.stringify(value))}, ` +
      `the weights are for pictures of ${size} × ${size}`,
  );
}

function deviation(key: string, value: unknown): Triple | undefined {
  const std = triple(key, value);
  if (std?.some((channel) => channel <= 0)) throw unsupported(key, value, 'positive numbers');
  return std;
}

function triple(key: string, value: unknown): Triple | undefined {
  if (value === undefined || value === null) return undefined;
  const numbers: unknown[] = Array.isArray(value) ? value : [];
  const [red, green, blue] = numbers.filter((v): v is number => Number.isFinite(v));
  if (numbers.length === 3 && red !== undefined && green !== undefined && blue !== undefined) {
    return [red, green, blue];
  }
  throw unsupported(key, value, 'three numbers');
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unsupported(key: string, found: unknown, expected: string): LLM2CLIPError {
  return new LLM2CLIPError(
    'ERR_CHECKPOINT_UNSUPPORTED',
    `the preprocessing says ${quote(key)} is ${quote(String(JSON.stringify(found)))}, expected ${expected}`,
  );
}
