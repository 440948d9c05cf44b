// Reads the image processors of transformers: preprocessor_config.json, or since version 5 the
// image_processor in processor_config.json. Fields that a file omits have the defaults of its
// class.
import {
  CLIP_MEAN,
  CLIP_STD,
  DEFAULT_RESCALE,
  IMAGENET_MEAN,
  IMAGENET_STD,
  type Preprocessing,
} from '../../image/preprocessing';
import { isSection } from '../section';
import {
  boolean,
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

type Triple = Preprocessing['mean'];

const HALF: Triple = [0.5, 0.5, 0.5];

/** Defaults of an image processor class. */
interface Class {
  mean: Triple;
  std: Triple;
  resample: Preprocessing['resample'];
  /** Whether a single edge means the shortest edge; otherwise it means both edges. */
  keepsShape: boolean;
  crops: boolean;
  /** Default size after resizing: one edge, or both. */
  size: Readonly<Record<string, number>>;
  cropSize?: number;
  /** Computes the length of the shortest edge after resizing from the stated size. */
  resizes?: (shortest: number, from: Statement) => number;
  /** From this size on, both edges become the size, without a crop. */
  squashesFrom?: number;
}

const CLIP: Class = {
  ...{ mean: CLIP_MEAN, std: CLIP_STD, resample: 'bicubic', keepsShape: true, crops: true },
  ...{ size: { shortest_edge: 224 }, cropSize: 224 },
};
const VIT: Class = {
  ...{ mean: HALF, std: HALF, resample: 'bilinear', keepsShape: false, crops: false },
  size: { height: 224, width: 224 },
};

/**
 * Classes by name, without `ImageProcessor` and what follows it, or `FeatureExtractor`. A file
 * without a class is read as CLIP's, with the size of the weights, or as ConvNeXt's if it states a
 * `crop_pct`.
 */
const CLASSES: Readonly<Record<string, Class>> = {
  CLIP,
  ChineseCLIP: CLIP,
  AltCLIP: CLIP,
  EvaCLIP: CLIP,
  Bit: CLIP,
  ViT: VIT,
  Blip: {
    ...VIT,
    ...{ mean: CLIP_MEAN, std: CLIP_STD, resample: 'bicubic', size: { height: 384, width: 384 } },
  },
  Siglip: { ...VIT, resample: 'bicubic', keepsShape: true },
  DeiT: {
    ...VIT,
    ...{ resample: 'bicubic', crops: true, size: { height: 256, width: 256 }, cropSize: 224 },
  },
  Beit: { ...VIT, resample: 'bicubic', cropSize: 224 },
  Levit: {
    ...CLIP,
    ...{ mean: IMAGENET_MEAN, std: IMAGENET_STD },
    resizes: (shortest) => Math.trunc((256 / 224) * shortest),
  },
  ConvNext: {
    ...{ mean: HALF, std: HALF, resample: 'bicubic', keepsShape: true, crops: false },
    size: { shortest_edge: 384 },
    resizes: (shortest, from) => Math.trunc(shortest / positive(from, 'crop_pct', 224 / 256)),
    squashesFrom: 384,
  },
};

/** Steps of other classes, which are not supported. */
const FOREIGN = [
  'do_pad',
  'do_reduce_labels',
  'rescale_offset',
  'do_flip_channel_order',
  'do_thumbnail',
  'do_align_long_axis',
  'do_image_splitting',
  'use_square_size',
];

function classOf(from: Statement, size: number): Class {
  const type = stated(from, 'image_processor_type') ?? stated(from, 'feature_extractor_type');
  if (type === undefined) {
    const usual = stated(from, 'crop_pct') === undefined ? CLIP : (CLASSES.ConvNext as Class);
    return { ...usual, size: { shortest_edge: size }, cropSize: size };
  }
  const name =
    typeof type === 'string'
      ? type.replace(/(ImageProcessor(Fast|Pil)?|FeatureExtractor)$/, '')
      : '';
  if (Object.hasOwn(CLASSES, name)) return CLASSES[name] as Class;
  const known = Object.keys(CLASSES).join(', ');
  throw unsupported(from, 'image_processor_type', type, `an image processor of ${known}`);
}

interface Target {
  resize: number;
  squash: boolean;
}

/** Reads a size as keys and values. A file may state it as a number, a pair, or an object. */
function edgesOf(found: unknown, keepsShape: boolean): [string, unknown][] {
  if (isSection(found)) return Object.entries(found).filter(([, edge]) => edge !== null);
  if (!Array.isArray(found) && keepsShape) return [['shortest_edge', found]];
  const [height, width] = Array.isArray(found) ? found : [found, found];
  return Object.entries({ height, width });
}

function isEdge(edge: unknown): edge is number {
  return Number.isSafeInteger(edge) && Number(edge) > 0;
}

/** Returns the lengths of the edges after resizing. */
function targetOf(from: Statement, { size: usual, keepsShape }: Class): Target {
  const found = stated(from, 'size') ?? usual;
  const edges = edgesOf(found, keepsShape);
  const { shortest_edge, height, width } = Object.fromEntries(edges) as Record<string, unknown>;
  if (edges.length === 1 && isEdge(shortest_edge)) return { resize: shortest_edge, squash: false };
  if (edges.length === 2 && isEdge(height) && height === width) {
    return { resize: height, squash: true };
  }
  throw unsupported(from, 'size', found, 'one shortest edge, or equal height and width');
}

/**
 * Reads the configuration of an image processor of transformers.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_UNSUPPORTED, ERR_CHECKPOINT_MISMATCH
 */
export function fromTransformers(from: Statement, size: number): Preprocessing {
  const kind = classOf(from, size);
  refuse(from, FOREIGN);
  if (!boolean(from, 'do_resize', true)) throw unsupported(from, 'do_resize', false, 'true');
  const normalises = boolean(from, 'do_normalize', true);
  const common = {
    ...{ size, resample: resample(from, 'resample', kind.resample) },
    mean: normalises ? mean(from, 'image_mean', kind.mean) : ([0, 0, 0] as Triple),
    std: normalises ? deviation(from, 'image_std', kind.std) : ([1, 1, 1] as Triple),
    rescale: boolean(from, 'do_rescale', true)
      ? positive(from, 'rescale_factor', DEFAULT_RESCALE)
      : 1,
  };
  return { ...common, ...geometry(from, kind, size) };
}

function geometry(from: Statement, kind: Class, size: number): Target {
  const target = targetOf(from, kind);
  const { resizes, squashesFrom } = kind;
  const said = stated(from, 'size') ?? kind.size;
  if (squashesFrom !== undefined) {
    if (target.squash) throw unsupported(from, 'size', said, 'a shortest edge');
    requireSize(from, 'size', target.resize, size);
    if (size >= squashesFrom) return { resize: size, squash: true };
    return atLeast(from, size, { ...target, resize: resizes?.(target.resize, from) ?? size });
  }
  const resize = target.squash ? target.resize : (resizes?.(target.resize, from) ?? target.resize);
  if (boolean(from, 'do_center_crop', kind.crops)) {
    const cropSize = stated(from, 'crop_size') ?? kind.cropSize ?? 224;
    requireSize(from, 'crop_size', isSection(cropSize) ? Object.values(cropSize) : cropSize, size);
    return atLeast(from, size, { ...target, resize });
  }
  if (!target.squash) {
    throw unsupported(from, 'size', said, 'a centre crop, or equal height and width');
  }
  requireSize(from, 'size', resize, size);
  return target;
}

/** Refuses a size below that of the crop, which the references would pad with black. */
function atLeast(from: Statement, size: number, target: Target): Target {
  if (target.resize >= size) return target;
  throw unsupported(from, 'size', stated(from, 'size'), `at least the crop's ${size} pixels`);
}
