import { describeError } from './output';

/** What one image came to: an embedding [E], or an error. */
export interface Outcome {
  image: string;
  embedding?: Float32Array | undefined;
  error?: unknown;
}

/** One line of `--json` or of a .jsonl file, see docs/formats.md. */
export function describeOutcome({ image, embedding, error }: Outcome): object {
  if (embedding === undefined) return { image, error: describeError(error) };
  return { image, embedding: Array.from(embedding) };
}

/** Writes the outcomes of images, in their order, into a file. */
export interface EmbeddingWriter {
  write(outcome: Outcome): Promise<void>;
  /** Puts the file in its place. */
  end(): Promise<void>;
}
