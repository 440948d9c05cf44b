import { type EvaluatedModel, type EvaluationOptions, embedImages } from './embed-images';
import type { Matrix } from './matrix';
import type { Recall } from './recall';
import type { RetrievalDataset } from './retrieval-dataset';
import { searchRecall } from './search-recall';

/** The values of k that LLM2CLIP reports. */
export const RETRIEVAL_AT = [1, 5, 10, 25, 50] as const;

const TEXTS_AT_ONCE = 256;

/** Recall of a dataset in both directions, and the number of images that could not be encoded. */
export interface RetrievalResult extends Recall {
  images: number;
  texts: number;
  failed: number;
}

/**
 * Measures Recall@k as the reference does. An image that cannot be encoded still counts as a query,
 * but finds nothing and is never found, so that results of one dataset remain comparable.
 *
 * @throws what encoding texts throws; `signal.reason`
 */
export async function evaluateRetrieval(
  model: EvaluatedModel,
  { images, texts, imageOfText }: RetrievalDataset,
  { at = RETRIEVAL_AT, ...options }: EvaluationOptions & { at?: readonly number[] } = {},
): Promise<RetrievalResult> {
  const dim = model.info.embeddingDim;
  const total = images.length + texts.length;
  const progress = (done: number) => options.onProgress?.(done, total);
  const rows = new Float32Array(images.length * dim).fill(Number.NaN);
  const work = { ...options, onProgress: progress };
  const failed = await embedImages(model, images, work, (i, row) => rows.set(row, i * dim));
  const captions = await embedTexts(model, texts, options.signal, (done) =>
    progress(images.length + done),
  );
  const embeddings: Matrix = { data: rows, shape: [images.length, dim] };
  const { signal } = options;
  const recall = await searchRecall(embeddings, captions, { imageOfText, at, signal });
  return { images: images.length, texts: texts.length, failed, ...recall };
}

/** Encodes all texts to a matrix [texts, E]. */
async function embedTexts(
  model: EvaluatedModel,
  texts: readonly string[],
  signal: AbortSignal | undefined,
  onProgress: (done: number) => void,
): Promise<Matrix> {
  const dim = model.info.embeddingDim;
  const data = new Float32Array(texts.length * dim);
  for (let begin = 0; begin < texts.length; begin += TEXTS_AT_ONCE) {
    const part = texts.slice(begin, begin + TEXTS_AT_ONCE);
    const { data: rows } = await model.encodeTexts(part, signal ? { signal } : {});
    data.set(rows, begin * dim);
    onProgress(begin + part.length);
  }
  return { data, shape: [texts.length, dim] };
}
