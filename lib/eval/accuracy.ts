import { Classifier } from '../classify';
import type { ClassDataset } from './class-folders';
import { type EvaluatedModel, type EvaluationOptions, embedPictures } from './embed-pictures';

/** Of zero-shot classification; shares from 0 to 1. */
export interface Accuracy {
  images: number;
  classes: number;
  templates: number;
  /** Pictures that could not be encoded; they count as wrong. */
  failed: number;
  top1: number;
  top5: number;
}

const TOP = 5;

/**
 * Shares of pictures whose class is the first, or among the first five, of those that fit best, as
 * the reference evaluates ImageNet.
 *
 * @throws What encoding texts throws; `signal.reason`
 */
export async function evaluateZeroShot(
  model: EvaluatedModel,
  { labels, pictures, classOfPicture }: ClassDataset,
  templates: readonly string[],
  options: EvaluationOptions = {},
): Promise<Accuracy> {
  const total = labels.length + pictures.length;
  const progress = (done: number) => options.onProgress?.(done, total);
  const { signal } = options;
  const onLabel = { templates, onProgress: progress, ...(signal && { signal }) };
  const classifier = await Classifier.create(model, labels, onLabel);
  try {
    let [first, amongFive] = [0, 0];
    const onPicture = { ...options, onProgress: (done: number) => progress(labels.length + done) };
    const failed = await embedPictures(model, pictures, onPicture, async (i, embedding) => {
      const best = await classifier.rank(embedding, { topK: TOP });
      const place = best.findIndex(({ index }) => index === classOfPicture[i]);
      if (place === 0) first += 1;
      if (place >= 0) amongFive += 1;
    });
    const images = pictures.length;
    const counts = { images, classes: labels.length, templates: templates.length, failed };
    return { ...counts, top1: first / images, top5: amongFive / images };
  } finally {
    await classifier.dispose();
  }
}
