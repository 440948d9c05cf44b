import type { AtomicFile } from '../files/atomic-file';
import { describeOutcome, type EmbeddingWriter, type Outcome } from './outcome';

/** Writes one line of JSON per image or text. */
export class JsonLinesWriter implements EmbeddingWriter {
  readonly #file: AtomicFile;

  constructor(file: AtomicFile) {
    this.#file = file;
  }

  write(outcome: Outcome): Promise<void> {
    return this.#file.append(Buffer.from(`${JSON.stringify(describeOutcome(outcome))}\n`));
  }

  end(): Promise<void> {
    return this.#file.commit();
  }
}
