/** From a decoded picture to the engine's input; recorded in the bundle's manifest. */
export interface Preprocessing {
  /** Edge S of the square crop, in pixels: the shortest edge is resized to it, then the centre is cropped. */
  size: number;
  resample: 'bicubic';
  /** Of the three channels R, G, B, on the scale 0 to 1. */
  mean: [number, number, number];
  std: [number, number, number];
}

/** Mean and deviation of OpenAI CLIP's training pictures, which every family here uses. */
export const CLIP_MEAN: [number, number, number] = [0.48145466, 0.4578275, 0.40821073];
export const CLIP_STD: [number, number, number] = [0.26862954, 0.26130258, 0.27577711];
