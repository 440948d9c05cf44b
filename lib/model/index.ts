import { types } from 'node:util';
import { invalidBuffer, invalidType, isObject, nonEmptyString } from '../arguments';
import { Admission } from '../async/admission';
import { withCallerStack } from '../async/caller';
import { type Classification, Classifier } from '../classify';
import { ClassifierCache } from '../classify/classifier-cache';
import { type ClassifierOptions, type ClassifyOptions, rankOptions } from '../classify/options';
import { LLM2CLIPError } from '../errors';
import { type ImageInput, overlapsImage } from '../image';
import { overlap } from '../image/memory';
import {
  type EncodeImageOptions,
  type EncodeManyOptions,
  type EncodeManyTextsOptions,
  type EncodePatchesOptions,
  type EncodeStreamOptions,
  type EncodeTextOptions,
  type LoadOptions,
  type ResolvedEncodeOptions,
  type ResolvedLoadOptions,
  resolveEncodeOptions,
  resolveLoadOptions,
  type TextOutput,
  textOutput,
} from '../options';
import { ownFloats } from '../typed-array';
import type { Embeddings } from './embeddings';
import { ENCODE_OPTIONS } from './encode-options';
import { imageOutput, requireEmbeddings, resolvePatchOptions } from './image-output';
import { ImageSide } from './image-side';
import { type LoadedBundle, loadBundle } from './load';
import type { ModelInfo } from './model-info';
import type { Patches } from './patches';
import { ANYWHERE, type Target } from './requests';
import { encodeRows, rowOf, rowsOptions } from './rows';
import { type ModelStats, modelStats } from './stats';
import { type Streamed, streamInOrder } from './stream';
import { copyTexts, requireText } from './text-inputs';
import { TextSide } from './text-side';

/**
 * Largest number of texts and features in flight in one call for many. It is more than one run
 * takes.
 */
const TEXTS_AT_ONCE = 512;

/**
 * A loaded LLM2CLIP model. It turns images and texts into vectors of one space. All work is done
 * off the event loop: images are decoded on libuv's threads, texts are tokenised on a thread of
 * their own, and the engines have their own threads.
 *
 * @example
 * await using model = await LLM2CLIP.load('eva02-l-14-336.bundle');
 * const image = await model.encodeImage('cat.jpg'); // Float32Array(1280), L2-normalised
 * const text = await model.encodeText('a cat on a sofa'); // a vector of the same space
 */
export class LLM2CLIP {
  readonly #info: ModelInfo;
  readonly #images: ImageSide | undefined;
  readonly #texts: TextSide;
  readonly #admission: Admission;
  readonly #classifiers = new ClassifierCache(this);
  #disposed: Promise<void> | undefined;

  private constructor(loaded: LoadedBundle, options: ResolvedLoadOptions) {
    const { info, vision, text, textCache } = loaded;
    this.#info = info;
    this.#images = vision && new ImageSide(vision, options.image);
    this.#texts = new TextSide(text, textCache);
    this.#admission = new Admission(options.maxQueue);
  }

  /**
   * Loads a bundle that `llm2clip convert` made. Threads of a process that load the same bundle
   * with the same options share one engine. Engine files are executable content: load only bundles
   * that you trust.
   *
   * @throws TypeError, RangeError (ERR_INVALID_ARG)
   * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_BUNDLE_INVALID, ERR_ENGINE_INCOMPATIBLE,
   *   ERR_RUNTIME_MISSING, ERR_DEVICE_UNAVAILABLE, ERR_OUT_OF_MEMORY, ERR_IO
   * @example
   * await using model = await LLM2CLIP.load('eva02-l-14-336.bundle', { device: 'cuda' });
   */
  static async load(bundle: string, options?: LoadOptions): Promise<LLM2CLIP> {
    const path = nonEmptyString(bundle, 'bundle');
    const resolved = resolveLoadOptions(options);
    return new LLM2CLIP(await withCallerStack(loadBundle(path, resolved)), resolved);
  }

  /** Describes what really runs: engine, device, precision, versions and kernels. */
  get info(): ModelInfo {
    return this.#info;
  }

  /**
   * Returns counts, queue lengths, batch sizes, copies and the times of each stage since loading.
   */
  stats(): ModelStats {
    return modelStats({ vision: this.#images?.stats(), text: this.#texts.stats() });
  }

  /**
   * Returns the embedding [E] of one image, L2-normalised unless you pass `normalize: false`.
   *
   * @param input A path, encoded bytes, raw 8-bit pixels or preprocessed pixels. Memory is read
   *   before the call returns, shared memory until the promise settles.
   * @throws TypeError, RangeError (ERR_INVALID_ARG, ERR_INVALID_BUFFER); `signal.reason`
   * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO, ERR_IMAGE_UNSUPPORTED, ERR_IMAGE_CORRUPT,
   *   ERR_IMAGE_TOO_LARGE, ERR_QUEUE_FULL, ERR_TIMEOUT, ERR_DISPOSED, ERR_OUT_OF_MEMORY,
   *   ERR_DEVICE_LOST; ERR_ENGINE_INCOMPATIBLE for a bundle without a vision tower
   * @example
   * const embedding = await model.encodeImage('cat.jpg'); // Float32Array [E]
   */
  async encodeImage(input: ImageInput, options?: EncodeImageOptions): Promise<Float32Array>;
  /**
   * Returns the vectors of the image's patches: [rows, columns, E] in the space of the embeddings
   * or, with `layer`, the output of that layer, [rows, columns, D]. Only the torchscript engine
   * offers patches.
   *
   * @throws As above; RangeError (ERR_INVALID_ARG) for a layer that the tower does not have,
   *   ERR_ENGINE_INCOMPATIBLE for an engine without patches
   * @example
   * const { data, shape } = await model.encodeImage('cat.jpg', { output: 'patches', layer: -2 });
   */
  async encodeImage(input: ImageInput, options: EncodePatchesOptions): Promise<Patches>;
  async encodeImage(
    input: ImageInput,
    options?: EncodeImageOptions | EncodePatchesOptions,
  ): Promise<Float32Array | Patches> {
    const output = imageOutput(options, ENCODE_OPTIONS.image);
    if (output.patches) {
      return await withCallerStack(this.#encodePatches(input, output.layer, options));
    }
    const resolved = resolveEncodeOptions(options, this.info.embeddingDim, ENCODE_OPTIONS.image);
    const embedding = await withCallerStack(this.#encodeImage(input, resolved, targetOf(resolved)));
    return resolved.given ?? embedding;
  }

  /**
   * Returns the embeddings of many images in one array, [n, E]. Two batches are decoded in advance.
   * The call waits while the queue is full, and reads the images' memory until its promise settles.
   * It rejects with the error of the first image that fails, as in encodeImage, unless you pass
   * `onError: 'collect'`.
   *
   * @example
   * const { data, shape, errors } = await model.encodeImages(paths, { onError: 'collect' });
   */
  async encodeImages(
    inputs: readonly ImageInput[],
    options?: EncodeManyOptions,
  ): Promise<Embeddings> {
    if (!Array.isArray(inputs)) throw invalidType('an array of images', 'inputs', inputs);
    requireEmbeddings(options, ENCODE_OPTIONS.images);
    const { embeddingDim: dim, maxBatch } = this.info;
    const { length: count } = inputs;
    const { resolved, out } = rowsOptions(options, count, dim, 'images');
    // Images are read when their turn comes, after the first embeddings have been written.
    if (resolved.out !== undefined && inputs.some((input) => overlapsImage(input, out))) {
      throw invalidBuffer('memory of its own', 'options.out', out);
    }
    const rows = { count, dim, out, atOnce: 2 * maxBatch };
    return withCallerStack(
      encodeRows(rows, resolved, (i, target) => this.#encodeImage(inputs[i], resolved, target)),
    );
  }

  /**
   * Yields the embeddings of a stream of images, in its order. At most `readAhead` images (default:
   * two batches) are read before their results are consumed. So memory stays constant for a stream
   * of any length, and a slow consumer slows down the source. Errors are those of encodeImages.
   *
   * @example
   * for await (const { index, embedding } of model.embedStream(paths)) await store(index, embedding);
   */
  async *embedStream<Input extends ImageInput>(
    inputs: Iterable<Input> | AsyncIterable<Input>,
    options?: EncodeStreamOptions,
  ): AsyncGenerator<Streamed<Input, Float32Array>, void, undefined> {
    requireIterable(inputs);
    requireEmbeddings(options, ENCODE_OPTIONS.stream);
    const resolved = resolveEncodeOptions(options, 0, ENCODE_OPTIONS.stream);
    const readAhead = resolved.readAhead ?? 2 * this.info.maxBatch;
    const encode = (input: Input) => this.#encodeImage(input, resolved, ANYWHERE);
    for await (const result of streamInOrder(inputs, readAhead, encode)) {
      resolved.signal?.throwIfAborted();
      if (result.error !== undefined && resolved.onError === 'throw') throw result.error;
      yield result;
    }
  }

  /**
   * Returns the embedding [E] of a text, L2-normalised unless you pass `normalize: false`. Its dot
   * product with the embedding of an image is their cosine. As in the reference, the text is put
   * into LLM2CLIP's prompt and cut at 512 tokens. Embeddings of earlier texts come from a cache,
   * see `textCache` of LoadOptions.
   *
   * @throws TypeError, RangeError (ERR_INVALID_ARG, ERR_INVALID_BUFFER); `signal.reason`
   * @throws LLM2CLIPError ERR_QUEUE_FULL, ERR_TIMEOUT, ERR_DISPOSED, ERR_OUT_OF_MEMORY,
   *   ERR_DEVICE_LOST; ERR_ENGINE_INCOMPATIBLE for a bundle without language model or text adapter
   * @example
   * const text = await model.encodeText('a red car in the snow');
   */
  async encodeText(text: string, options?: EncodeTextOptions): Promise<Float32Array> {
    requireText(text, 'text');
    const output = textOutput(options, ENCODE_OPTIONS.text);
    const resolved = resolveEncodeOptions(options, this.#textDim(output), ENCODE_OPTIONS.text);
    const target = targetOf(resolved);
    const embedding = await withCallerStack(this.#encodeText(text, output, resolved, target));
    return resolved.given ?? embedding;
  }

  /**
   * Returns the embeddings of many texts in one array, [n, E]. Texts are batched by their number of
   * tokens. The call waits while the queue is full. It rejects with the error of the first text
   * that fails, as in encodeText, unless you pass `onError: 'collect'`.
   *
   * @example
   * const { data, shape, row } = await model.encodeTexts(['a cat', 'a dog']);
   */
  async encodeTexts(
    texts: readonly string[],
    options?: EncodeManyTextsOptions,
  ): Promise<Embeddings> {
    if (!Array.isArray(texts)) throw invalidType('an array of strings', 'texts', texts);
    const { length: count } = texts;
    const output = textOutput(options, ENCODE_OPTIONS.texts);
    const dim = this.#textDim(output);
    const { resolved, out } = rowsOptions(options, count, dim, 'texts');
    const own = copyTexts(texts, count); // The caller may change its array during the call.
    const rows = { count, dim, out, atOnce: TEXTS_AT_ONCE };
    return withCallerStack(
      encodeRows(rows, resolved, (i, target) =>
        this.#encodeText(own[i] as string, output, resolved, target),
      ),
    );
  }

  /**
   * Returns the embeddings [n, E] of a language model's features [n, D], which only the text
   * adapter computes. Use it for features that you stored or that another program computed. Errors
   * are those of encodeTexts.
   *
   * @param features [n, D], row by row. They are read until the promise settles.
   * @example
   * const { data: features } = await model.encodeTexts(captions, { output: 'feature' });
   * const { row } = await model.encodeTextFeatures(features);
   */
  async encodeTextFeatures(
    features: Float32Array,
    options?: Omit<EncodeManyOptions, 'transfer'>,
  ): Promise<Embeddings> {
    if (!types.isFloat32Array(features)) {
      throw invalidType('a Float32Array', 'features', features);
    }
    const numbers = ownFloats(features, 'features');
    const { width } = this.#texts.adapter();
    const count = numbers.length / width;
    if (!Number.isInteger(count)) {
      throw invalidBuffer(`rows of ${width} numbers`, 'features', numbers);
    }
    const dim = this.info.embeddingDim;
    const { resolved, out } = rowsOptions(options, count, dim, 'features');
    // Features are read when their turn comes, after the first embeddings have been written.
    if (resolved.out !== undefined && overlap(numbers, out)) {
      throw invalidBuffer('memory of its own', 'options.out', out);
    }
    const rows = { count, dim, out, atOnce: TEXTS_AT_ONCE };
    return withCallerStack(
      encodeRows(rows, resolved, (i, target) =>
        this.#run(resolved, target, () =>
          this.#texts.encodeFeature(rowOf(numbers, i, width), resolved, target),
        ),
      ),
    );
  }

  /**
   * Returns the labels that fit an image best, sorted from best to worst, with their probabilities.
   * The vectors of the most recently used lists of labels are cached, so that a further call with
   * such a list costs only the image's encoding.
   *
   * @param image As in encodeImage. Its memory is read until the promise settles.
   * @param labels At least one. A label that is given twice counts as two classes.
   * @throws As classifier() and encodeImage()
   * @example
   * const [best] = await model.classify('cat.jpg', ['cat', 'dog']); // { label: 'cat', index: 0, probability: 0.98, score: 0.31 }
   */
  async classify(
    image: ImageInput,
    labels: readonly string[],
    options?: ClassifyOptions,
  ): Promise<Classification[]> {
    const classify = (classifier: Classifier) => classifier.classify(image, rankOptions(options));
    return withCallerStack(this.#classifiers.use(labels, options, classify));
  }

  /**
   * Encodes labels to classify many images with. The labels are encoded in chunks, off the event
   * loop. Dispose of the result after use.
   *
   * @throws TypeError, RangeError (ERR_INVALID_ARG); `signal.reason`
   * @throws LLM2CLIPError as encodeTexts()
   * @example
   * await using classifier = await model.classifier(labels, { templates: ['a photo of a {}.', 'art of a {}.'] });
   * for (const path of paths) console.log(path, (await classifier.classify(path, { topK: 1 }))[0]);
   */
  async classifier(labels: readonly string[], options?: ClassifierOptions): Promise<Classifier> {
    return Classifier.create(this, labels, options);
  }

  /** Waits for pending calls, then frees the engines. You may call it twice. */
  dispose(): Promise<void> {
    this.#disposed ??= this.#close();
    return this.#disposed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #close(): Promise<void> {
    await this.#admission.close();
    this.#classifiers.clear();
    await Promise.all([this.#images?.requests.close(), this.#texts.close()]);
  }

  #run<T>(
    { signal }: ResolvedEncodeOptions,
    { waits }: Target,
    body: () => Promise<T>,
  ): Promise<T> {
    return this.#admission.run({ waits, signal }, body);
  }

  #encodeImage(
    input: unknown,
    options: ResolvedEncodeOptions,
    target: Target,
  ): Promise<Float32Array> {
    return this.#run(options, target, () => this.#imageSide().encode(input, options, target));
  }

  async #encodePatches(
    input: unknown,
    layer: number | undefined,
    options: unknown,
  ): Promise<Patches> {
    const images = this.#imageSide();
    const output = images.patchOutput(layer);
    const resolved = resolvePatchOptions(options, output);
    return this.#run(resolved, targetOf(resolved), () =>
      images.encodePatches(input, resolved, output),
    );
  }

  #encodeText(
    text: string,
    output: TextOutput,
    options: ResolvedEncodeOptions,
    target: Target,
  ): Promise<Float32Array> {
    return this.#run(options, target, () =>
      output === 'feature'
        ? this.#texts.encodeToFeature(text, options, target)
        : this.#texts.encode(text, options, target),
    );
  }

  #imageSide(): ImageSide {
    if (this.#images !== undefined) return this.#images;
    throw new LLM2CLIPError(
      'ERR_ENGINE_INCOMPATIBLE',
      'this model has no vision tower; load it with its vision part, or convert a checkpoint that holds one',
    );
  }

  /** Returns the number of values in a text's output. Throws if a part that it needs is missing. */
  #textDim(output: TextOutput): number {
    const { width } = this.#texts.llm();
    if (output === 'feature') return width;
    this.#texts.adapter();
    return this.info.embeddingDim;
  }
}

function targetOf({ out }: ResolvedEncodeOptions): Target {
  return { waits: false, out, outOffset: 0 };
}

function requireIterable(inputs: unknown): void {
  const iterable =
    isObject(inputs) && (Symbol.asyncIterator in inputs || Symbol.iterator in inputs);
  if (!iterable) throw invalidType('an iterable of images', 'inputs', inputs);
}
