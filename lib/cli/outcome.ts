import { describeError } from './output';

/** The result of one image or text: an embedding [E], or an error. */
export interface Outcome {
  /** The image or text, as in the JSON output. */
  of: { image: string } | { text: string };
  embedding?: Float32Array | undefined;
  error?: unknown;
}

/** Makes the object of one line of `--json` or of a .jsonl file; see docs/formats.md. */
export function describeOutcome({ of, embedding, error }: Outcome): object {
  if (embedding === undefined) return { ...of, error: describeError(error) };
  return { ...of, embedding: Array.from(embedding) };
}

/** Writes the outcomes of images or texts to a file, in order. */
export interface EmbeddingWriter {
  write(outcome: Outcome): Promise<void>;
  /** Completes the file and renames it to its final path. */
  end(): Promise<void>;
}
