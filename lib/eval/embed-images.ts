import type { ImageTextEncoder } from '../classify';
import type { LLM2CLIP } from '../model';

/** The methods of a model that an evaluation uses. */
export type EvaluatedModel = ImageTextEncoder & Pick<LLM2CLIP, 'embedStream' | 'info'>;

export interface EvaluationOptions {
  signal?: AbortSignal | undefined;
  /** Called for an image that cannot be encoded. The evaluation continues with the others. */
  onFailure?: (path: string, error: unknown) => void;
  /** Called with the number of images and texts that are done. */
  onProgress?: (done: number, total: number) => void;
}

/**
 * Encodes images and passes each embedding to `take`, in order. Resolves with the number of
 * failures.
 */
export async function embedImages(
  model: EvaluatedModel,
  images: readonly string[],
  { signal, onFailure, onProgress }: EvaluationOptions,
  take: (index: number, embedding: Float32Array) => Promise<void> | void,
): Promise<number> {
  const options = { onError: 'collect', ...(signal && { signal }) } as const;
  let failed = 0;
  for await (const { index, input, embedding, error } of model.embedStream(images, options)) {
    if (embedding !== undefined) await take(index, embedding);
    else {
      failed += 1;
      onFailure?.(input, error);
    }
    onProgress?.(index + 1, images.length);
  }
  return failed;
}
