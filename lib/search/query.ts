import type { LLM2CLIP } from '../model';

/** What is looked for: something that becomes a vector [dim], and what to call it. */
export interface Query {
  label: string;
  vector(model: LLM2CLIP, signal: AbortSignal | undefined): Promise<Float32Array>;
}

/** A picture that is like those looked for. */
export function pictureQuery(path: string): Query {
  return {
    label: path,
    vector: (model, signal) => model.encodeImage(path, signal === undefined ? {} : { signal }),
  };
}
