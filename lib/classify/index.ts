import { availableParallelism } from 'node:os';
import { types } from 'node:util';
import { invalidBuffer, invalidType } from '../arguments';
import { withCallerStack } from '../async/caller';
import { classEmbeddings, fillTemplates } from '../eval/zero-shot';
import type { ImageInput } from '../image';
import type { Embeddings } from '../model/embeddings';
import { streamInOrder } from '../model/stream';
import type { EncodeManyOptions, EncodeOptions } from '../options';
import { VectorTable } from '../search/vector-table';
import { ownFloats } from '../typed-array';
import {
  CLASSIFIER_CALL_OPTIONS,
  CLASSIFIER_OPTIONS,
  type ClassifierOptions,
  RANK_OPTIONS,
  type RankOptions,
  type ResolvedClassifierOptions,
  type ResolvedRankOptions,
  resolveClassifierOptions,
  resolveLabels,
  resolveRankOptions,
} from './options';

/** The model that a classifier encodes with. An LLM2CLIP with a language model is one. */
export interface ImageTextEncoder {
  encodeImage(input: ImageInput, options?: EncodeOptions): Promise<Float32Array>;
  encodeTexts(texts: readonly string[], options?: EncodeManyOptions): Promise<Embeddings>;
}

/** A label and how well it fits an image. */
export interface Classification {
  label: string;
  /** Index in the list of labels. */
  index: number;
  /** Softmax of scale · score over all labels. */
  probability: number;
  /** Cosine between the image and the label. */
  score: number;
}

/**
 * Number of texts that are encoded together. Processing their vectors blocks the event loop for
 * some ms.
 */
const TEXTS_AT_ONCE = 128;

/**
 * Number of chunks encoded at the same time, so that the engine has work while a chunk is stored.
 */
const CHUNKS_UNDER_WAY = 2;

/**
 * Classifies images by a list of labels. The labels are encoded once; after that, an image costs
 * only its own encoding. Each label is put into each template. The vector of a label is the
 * normalised mean of the normalised vectors of these texts, as in the reference's ImageNet
 * evaluation. If a label is given twice, it counts as two classes.
 *
 * @example
 * await using classifier = await model.classifier(['cat', 'dog'], { templates: ['a photo of a {}.'] });
 * const [best] = await classifier.classify('cat.jpg'); // { label: 'cat', index: 0, probability: 0.98, score: 0.31 }
 */
export class Classifier {
  readonly labels: readonly string[];
  readonly #encoder: ImageTextEncoder;
  readonly #table: VectorTable;

  private constructor(encoder: ImageTextEncoder, labels: readonly string[], table: VectorTable) {
    this.#encoder = encoder;
    this.labels = labels;
    this.#table = table;
  }

  /**
   * See LLM2CLIP.classifier. Apart from the vectors, memory does not grow with the number of
   * labels.
   */
  static async create(
    encoder: ImageTextEncoder,
    labels: readonly string[],
    options?: ClassifierOptions,
  ): Promise<Classifier> {
    const checked = Object.freeze(resolveLabels(labels));
    const resolved = resolveClassifierOptions(options, CLASSIFIER_OPTIONS);
    const table = await withCallerStack(embedLabels(encoder, checked, resolved));
    return new Classifier(encoder, checked, table);
  }

  /** Native memory of the vectors, in bytes. */
  get memoryBytes(): number {
    return this.#table.memoryBytes;
  }

  /**
   * Returns the labels that fit an image best, sorted from best to worst. Of equal labels the one
   * that was given first comes first.
   *
   * @throws As LLM2CLIP.encodeImage
   */
  async classify(
    image: ImageInput,
    options?: RankOptions & Pick<EncodeOptions, 'priority'>,
  ): Promise<Classification[]> {
    const resolved = resolveRankOptions(options, CLASSIFIER_CALL_OPTIONS);
    const { signal } = resolved;
    const { priority } = options ?? {};
    const encoding = this.#encoder.encodeImage(image, {
      ...(signal && { signal }),
      ...(priority !== undefined && { priority }),
    });
    return this.#rank(await withCallerStack(encoding), resolved);
  }

  /**
   * Like classify(), for an image that has been encoded already.
   *
   * @param embedding [E], L2-normalised; read before the call returns.
   * @throws TypeError, RangeError (ERR_INVALID_ARG, ERR_INVALID_BUFFER); `signal.reason`
   * @throws LLM2CLIPError ERR_DISPOSED, ERR_OUT_OF_MEMORY
   * @example
   * for await (const { embedding } of model.embedStream(paths)) await classifier.rank(embedding, { topK: 1 });
   */
  async rank(embedding: Float32Array, options?: RankOptions): Promise<Classification[]> {
    return this.#rank(embedding, resolveRankOptions(options, RANK_OPTIONS));
  }

  /** Waits for pending calls, then frees the memory. You may call it twice. */
  dispose(): Promise<void> {
    return this.#table.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #rank(
    embedding: Float32Array,
    { topK, scale, signal }: ResolvedRankOptions,
  ): Promise<Classification[]> {
    const query = requireVector(embedding, this.#table.dim);
    const work = { query, k: topK, scale, threads: availableParallelism(), signal };
    const ranked = await withCallerStack(this.#table.rank(work));
    return ranked.map(({ row: index, score, probability }) => {
      return { label: this.labels[index] as string, index, probability, score };
    });
  }
}

function requireVector(value: unknown, dim: number): Float32Array {
  if (!types.isFloat32Array(value)) throw invalidType('a Float32Array', 'embedding', value);
  const numbers = ownFloats(value, 'embedding');
  if (numbers.length === dim) return numbers;
  throw invalidBuffer(`${dim} numbers`, 'embedding', numbers);
}

/**
 * Splits labels into chunks that make about TEXTS_AT_ONCE texts each. A label's texts stay
 * together.
 */
function* chunksOf(labels: readonly string[], templates: number): Generator<readonly string[]> {
  const step = Math.max(1, Math.floor(TEXTS_AT_ONCE / templates));
  for (let begin = 0; begin < labels.length; begin += step) {
    yield labels.slice(begin, begin + step);
  }
}

/** Makes a table with one vector per label, in the order of the labels. */
async function embedLabels(
  encoder: ImageTextEncoder,
  labels: readonly string[],
  { templates, signal, priority, onProgress }: ResolvedClassifierOptions,
): Promise<VectorTable> {
  const embed = async (chunk: readonly string[]) => {
    const texts = fillTemplates(chunk, templates);
    const { data, shape } = await encoder.encodeTexts(texts, {
      ...(signal && { signal }),
      ...(priority !== undefined && { priority }),
    });
    return classEmbeddings({ data, shape: [...shape] }, templates.length);
  };
  let table: VectorTable | undefined;
  try {
    const chunks = chunksOf(labels, templates.length);
    for await (const result of streamInOrder(chunks, CHUNKS_UNDER_WAY, embed)) {
      if (result.embedding === undefined) throw result.error;
      signal?.throwIfAborted();
      table ??= VectorTable.create('fp32', result.embedding.shape[1]);
      await table.change({ vectors: result.embedding.data });
      onProgress?.(table.size, labels.length);
    }
  } catch (error) {
    await table?.dispose();
    throw error;
  }
  return table as VectorTable;
}
