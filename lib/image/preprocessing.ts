/** Pillow's filters, with Pillow's names. */
export const RESAMPLES = ['bicubic', 'bilinear', 'nearest', 'lanczos', 'box', 'hamming'] as const;
export type Resample = (typeof RESAMPLES)[number];

/**
 * How half of an odd margin of a centre crop is rounded: `floor` rounds down, as transformers does;
 * `half-even` rounds to the even neighbour, as torchvision, timm and open_clip do.
 */
export const CROPS = ['floor', 'half-even'] as const;
export type Crop = (typeof CROPS)[number];

/**
 * The steps from a decoded image to the engine's input, which the bundle's manifest records. The
 * image is resized with Pillow's arithmetic, its centre is cropped, and its bytes are scaled and
 * normalised.
 */
export interface Preprocessing {
  /** Edge S of the square crop, in pixels. */
  size: number;
  resample: Resample;
  /** Mean and standard deviation of the channels R, G, B, after scaling by `rescale`. */
  mean: [number, number, number];
  std: [number, number, number];
  /** Length of the shortest edge after resizing, in pixels; at least S. Default: S. */
  resize?: number;
  /**
   * Whether both edges are resized to that length, so that the aspect ratio changes. Default:
   * false.
   */
  squash?: boolean;
  /** Default: floor. */
  crop?: Crop;
  /** Factor by which a byte is multiplied. Default: 1/255. */
  rescale?: number;
}

/** The part of the preprocessing that determines which square of an image the model sees. */
export type Framing = Pick<Preprocessing, 'size' | 'resize' | 'squash' | 'crop'>;

export const DEFAULT_RESCALE = 1 / 255;

/** Mean and standard deviation of OpenAI CLIP's training images, which every family here uses. */
export const CLIP_MEAN: [number, number, number] = [0.48145466, 0.4578275, 0.40821073];
export const CLIP_STD: [number, number, number] = [0.26862954, 0.26130258, 0.27577711];

/** Those of ImageNet's images, which timm and some of transformers' processors use. */
export const IMAGENET_MEAN: [number, number, number] = [0.485, 0.456, 0.406];
export const IMAGENET_STD: [number, number, number] = [0.229, 0.224, 0.225];

/** Returns the same preprocessing without the fields that have their default. */
export function withoutDefaults(preprocessing: Preprocessing): Preprocessing {
  const { size, resample, mean, std, ...more } = preprocessing;
  const { resize = size, squash = false, crop = 'floor', rescale = DEFAULT_RESCALE } = more;
  // If there is no margin, the rounding does not matter.
  const crops = !(squash && resize === size);
  return {
    ...{ size, resample, mean, std },
    ...(resize !== size && { resize }),
    ...(squash && { squash }),
    ...(crops && crop !== 'floor' && { crop }),
    ...(rescale !== DEFAULT_RESCALE && { rescale }),
  };
}
