import { Embeddings } from '#lib/model/embeddings';
import { type Streamed, streamInOrder } from '#lib/model/stream';

/** Precomputed vectors of texts and images, by name. */
export interface Vectors {
  dim: number;
  texts: ReadonlyMap<string, ArrayLike<number>>;
  images?: ReadonlyMap<string, ArrayLike<number>>;
}

/** Returns precomputed vectors through the interface of a model. */
export class FakeEncoder {
  readonly info: { embeddingDim: number };
  /** Number of texts in each call of encodeTexts. */
  readonly calls: number[] = [];
  /** Largest number of concurrent calls of encodeTexts. */
  mostAtOnce = 0;
  /** Promise that each call waits for. */
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
