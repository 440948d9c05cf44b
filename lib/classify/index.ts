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

/** What a classifier is made with; an LLM2CLIP with a language model is one. */
export interface ImageTextEncoder {
  encodeImage(input: ImageInput, options?: EncodeOptions): Promise<Float32Array>;
  encodeTexts(texts: readonly string[], options?: EncodeManyOptions): Promise<Embeddings>;
}

/** One label, and how well a picture fits it. */
export interface Classification {
  label: string;
  /** Its place among the labels. */
  index: number;
  /** Softmax over all labels of scale · score. */
  probability: number;
  /** The cosine of the picture and the label. */
  score: number;
}

/** Texts that are encoded together: what becomes of them holds up the event loop for some ms. */
const TEXTS_AT_ONCE = 128;

/** Chunks of texts under way, so that the engine does not wait for the one that is taken in. */
const CHUNKS_UNDER_WAY = 2;

/**
 * Labels as vectors, one a label, with which pictures are classified: made once, a picture then
 * costs what it costs to encode it. A label is put into each template, and its vector is the
 * normalised mean of the normalised vectors of these texts, as the reference has it for ImageNet.
 * A label that is given twice is two classes.
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

  /** See LLM2CLIP.classifier. Memory beside the vectors does not grow with the number of labels. */
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

  /** Of native memory for vectors. */
  get memoryBytes(): number {
    return this.#table.memoryBytes;
  }

  /**
   * The labels that fit a picture best, best first; of equal ones the one that was given first.
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
   * As classify(), of a picture that has been encoded.
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

  /** Waits for what is under way, then frees the memory. Safe to call twice. */
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

/** Whole labels, as many as make TEXTS_AT_ONCE texts. */
function* chunksOf(labels: readonly string[], templates: number): Generator<readonly string[]> {
  const step = Math.max(1, Math.floor(TEXTS_AT_ONCE / templates));
  for (let begin = 0; begin < labels.length; begin += step) {
    yield labels.slice(begin, begin + step);
  }
}

/** One vector a label, in its order. */
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
