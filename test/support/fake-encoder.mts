import { Embeddings } from '#lib/model/embeddings';
import { type Streamed, streamInOrder } from '#lib/model/stream';

/** Texts and pictures, by their names, that have been embedded before. */
export interface Vectors {
  dim: number;
  texts: ReadonlyMap<string, ArrayLike<number>>;
  images?: ReadonlyMap<string, ArrayLike<number>>;
}

/** Gives what it has been given, of the same interface as a model's. */
export class FakeEncoder {
  readonly info: { embeddingDim: number };
  /** Of each call of encodeTexts, how many texts. */
  readonly calls: number[] = [];
  /** Calls of encodeTexts that were under way at once, at most. */
  mostAtOnce = 0;
  /** What each call waits for. */
  gate: (signal: AbortSignal | undefined) => Promise<void> = async () => {};
  readonly #vectors: Vectors;
  #underWay = 0;

  constructor(vectors: Vectors) {
    this.#vectors = vectors;
    this.info = { embeddingDim: vectors.dim };
  }

  async encodeTexts(texts: readonly string[], options?: { signal?: AbortSignal }) {
    this.calls.push(texts.length);
    this.#underWay += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#underWay);
    try {
      await this.gate(options?.signal);
      const rows = texts.map((text) => found(this.#vectors.texts, text));
      const data = Float32Array.from(rows.flatMap((row) => Array.from(row)));
      return new Embeddings(data, this.#vectors.dim, new Map());
    } finally {
      this.#underWay -= 1;
    }
  }

  async encodeImage(image: unknown) {
    return Float32Array.from(found(this.#vectors.images ?? new Map(), String(image)));
  }

  embedStream<Input>(
    inputs: Iterable<Input> | AsyncIterable<Input>,
  ): AsyncGenerator<Streamed<Input, Float32Array>, void, undefined> {
    return streamInOrder(inputs, 4, (input) => this.encodeImage(input));
  }
}

function found(vectors: ReadonlyMap<string, ArrayLike<number>>, name: string): ArrayLike<number> {
  const vector = vectors.get(name);
  if (vector === undefined) throw new Error(`no vector of ${name}`);
  return vector;
}
