import type { ImageTextEncoder } from '../classify';
import type { LLM2CLIP } from '../model';

/** What is evaluated. */
export type EvaluatedModel = ImageTextEncoder & Pick<LLM2CLIP, 'embedStream' | 'info'>;

export interface EvaluationOptions {
  signal?: AbortSignal | undefined;
  /** A picture that cannot be encoded; the others go on. */
  onFailure?: (path: string, error: unknown) => void;
  /** Pictures and texts together. */
  onProgress?: (done: number, total: number) => void;
}

/** Gives each picture's embedding to `take`, in their order; resolves with how many have none. */
export async function embedPictures(
  model: EvaluatedModel,
  pictures: readonly string[],
  { signal, onFailure, onProgress }: EvaluationOptions,
  take: (index: number, embedding: Float32Array) => Promise<void> | void,
): Promise<number> {
  const options = { onError: 'collect', ...(signal && { signal }) } as const;
  let failed = 0;
  for await (const { index, input, embedding, error } of model.embedStream(pictures, options)) {
    if (embedding !== undefined) await take(index, embedding);
    else {
      failed += 1;
      onFailure?.(input, error);
    }
    onProgress?.(index + 1, pictures.length);
  }
  return failed;
}
