/** Pillow's filters, by its names. */
export const RESAMPLES = ['bicubic', 'bilinear', 'nearest', 'lanczos', 'box', 'hamming'] as const;
export type Resample = (typeof RESAMPLES)[number];

/**
 * Which pixel a crop begins at whose margin is odd: `floor`, half of it rounded down, as transformers
 * does it; `half-even`, rounded to the even neighbour, as torchvision, timm and open_clip do.
 */
export const CROPS = ['floor', 'half-even'] as const;
export type Crop = (typeof CROPS)[number];

/**
 * From a decoded picture to the engine's input; recorded in the bundle's manifest. A picture is
 * resized by Pillow's arithmetic, its centre is cropped, its bytes are scaled and normalised.
 */
export interface Preprocessing {
  /** Edge S of the square crop, in pixels. */
  size: number;
  resample: Resample;
  /** Of the three channels R, G, B, on the scale that `rescale` gives. */
  mean: [number, number, number];
  std: [number, number, number];
  /** What the picture's shortest edge becomes, at least S, in pixels. Default S. */
  resize?: number;
  /** Both edges become that: the picture's shape is not kept. Default false. */
  squash?: boolean;
  /** Default floor. */
  crop?: Crop;
  /** What a byte is multiplied with. Default 1/255. */
  rescale?: number;
}

/** The part of the preprocessing that says which square of an image the model sees. */
export type Framing = Pick<Preprocessing, 'size' | 'resize' | 'squash' | 'crop'>;

export const DEFAULT_RESCALE = 1 / 255;

/** Mean and deviation of OpenAI CLIP's training pictures, which every family here uses. */
export const CLIP_MEAN: [number, number, number] = [0.48145466, 0.4578275, 0.40821073];
export const CLIP_STD: [number, number, number] = [0.26862954, 0.26130258, 0.27577711];

/** Of ImageNet's pictures, which timm and some of transformers' processors go by. */
export const IMAGENET_MEAN: [number, number, number] = [0.485, 0.456, 0.406];
export const IMAGENET_STD: [number, number, number] = [0.229, 0.224, 0.225];

/** The same, said with no more than it takes: what is a default is left out. */
export function withoutDefaults(preprocessing: Preprocessing): Preprocessing {
  const { size, resample, mean, std, ...more } = preprocessing;
  const { resize = size, squash = false, crop = 'floor', rescale = DEFAULT_RESCALE } = more;
  // Where nothing is left to crop, it begins at the first pixel by every rule.
  const crops = !(squash && resize === size);
  return {
    ...{ size, resample, mean, std },
    ...(resize !== size && { resize }),
    ...(squash && { squash }),
    ...(crops && crop !== 'floor' && { crop }),
    ...(rescale !== DEFAULT_RESCALE && { rescale }),
  };
}
