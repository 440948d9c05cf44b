import { describeError } from './output';

/** What one picture or text came to: an embedding [E], or an error. */
export interface Outcome {
  /** Which one it is, as JSON says it. */
  of: { image: string } | { text: string };
  embedding?: Float32Array | undefined;
  error?: unknown;
}

/** One line of `--json` or of a .jsonl file, see docs/formats.md. */
export function describeOutcome({ of, embedding, error }: Outcome): object {
  if (embedding === undefined) return { ...of, error: describeError(error) };
  return { ...of, embedding: Array.from(embedding) };
}

/** Writes the outcomes of pictures or texts, in their order, into a file. */
export interface EmbeddingWriter {
  write(outcome: Outcome): Promise<void>;
  /** Puts the file in its place. */
  end(): Promise<void>;
}
