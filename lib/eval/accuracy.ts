import { Classifier } from '../classify';
import type { ClassDataset } from './class-folders';
import { type EvaluatedModel, type EvaluationOptions, embedImages } from './embed-images';

/** The accuracy of zero-shot classification, as fractions from 0 to 1. */
export interface Accuracy {
  images: number;
  classes: number;
  templates: number;
  /** Images that could not be encoded. They count as wrong. */
  failed: number;
  top1: number;
  top5: number;
}

const TOP = 5;

/**
 * Measures top-1 and top-5 accuracy as the reference does for ImageNet: the fraction of images
 * whose class has the highest score, or one of the five highest.
 *
 * @throws what encoding texts throws; `signal.reason`
 */
export async function evaluateZeroShot(
  model: EvaluatedModel,
  { labels, images, classOfImage }: ClassDataset,
  templates: readonly string[],
  options: EvaluationOptions = {},
): Promise<Accuracy> {
  const total = labels.length + images.length;
  const progress = (done: number) => options.onProgress?.(done, total);
  const { signal } = options;
  const onLabel = { templates, onProgress: progress, ...(signal && { signal }) };
  const classifier = await Classifier.create(model, labels, onLabel);
  try {
    let [first, amongFive] = [0, 0];
    const onImage = { ...options, onProgress: (done: number) => progress(labels.length + done) };
    const failed = await embedImages(model, images, onImage, async (i, embedding) => {
      const best = await classifier.rank(embedding, { topK: TOP });
      const place = best.findIndex(({ index }) => index === classOfImage[i]);
      if (place === 0) first += 1;
      if (place >= 0) amongFive += 1;
    });
    const count = images.length;
    const counts = { images: count, classes: labels.length, templates: templates.length, failed };
    return { ...counts, top1: first / count, top5: amongFive / count };
  } finally {
    await classifier.dispose();
  }
}
