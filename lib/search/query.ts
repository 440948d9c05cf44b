import { fileExists } from '../files/file-exists';
import { hasImageName } from '../image/folder';
import type { LLM2CLIP } from '../model';

/** A search query: something that can be encoded to a vector [dim], and its name for output. */
export interface Query {
  label: string;
  kind: 'image' | 'text';
  vector(model: LLM2CLIP, signal: AbortSignal | undefined): Promise<Float32Array>;
}

/** Makes a query that finds images similar to an image. */
export function imageQuery(path: string): Query {
  return {
    label: path,
    kind: 'image',
    vector: (model, signal) => model.encodeImage(path, signal === undefined ? {} : { signal }),
  };
}

/** Makes a query that finds images described by a text. It needs a language model. */
export function textQuery(text: string): Query {
  return {
    label: text,
    kind: 'text',
    vector: (model, signal) => model.encodeText(text, signal === undefined ? {} : { signal }),
  };
}

/**
 * Interprets an argument of the command line. It is an image if the file exists or its name has an
 * image's extension, and a text otherwise.
 */
export async function guessQuery(word: string): Promise<Query> {
  const isImage = hasImageName(word) || (await fileExists(word));
  return isImage ? imageQuery(word) : textQuery(word);
}
