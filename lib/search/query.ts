import { fileExists } from '../files/file-exists';
import { hasPictureName } from '../image/folder';
import type { LLM2CLIP } from '../model';

/** What is looked for: something that becomes a vector [dim], and what to call it. */
export interface Query {
  label: string;
  kind: 'picture' | 'text';
  vector(model: LLM2CLIP, signal: AbortSignal | undefined): Promise<Float32Array>;
}

/** A picture that is like those looked for. */
export function pictureQuery(path: string): Query {
  return {
    label: path,
    kind: 'picture',
    vector: (model, signal) => model.encodeImage(path, signal === undefined ? {} : { signal }),
  };
}

/** What the pictures looked for show; needs a language model. */
export function textQuery(text: string): Query {
  return {
    label: text,
    kind: 'text',
    vector: (model, signal) => model.encodeText(text, signal === undefined ? {} : { signal }),
  };
}

/**
 * What a word of the command line means: a file that is there, or is called like a picture, is a
 * picture; anything else is a text.
 */
export async function guessQuery(word: string): Promise<Query> {
  const isPicture = hasPictureName(word) || (await fileExists(word));
  return isPicture ? pictureQuery(word) : textQuery(word);
}
