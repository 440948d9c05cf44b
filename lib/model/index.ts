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
import { ANYWHERE, type Place } from './requests';
import { encodeRows, rowOf, rowsOptions } from './rows';
import { type ModelStats, modelStats } from './stats';
import { type Streamed, streamInOrder } from './stream';
import { copyTexts, requireText } from './text-inputs';
import { TextSide } from './text-side';

/** Texts and features under way at once in one call for many: more than one run takes. */
const TEXTS_AT_ONCE = 512;

/**
 * An LLM2CLIP model, loaded: pictures and texts become vectors of one space. Everything runs off the
 * event loop: decoding on libuv's threads, tokenising on one of its own, the rest on the engines'.
 *
 * @example
 * await using model = await LLM2CLIP.load('eva02-l-14-336.bundle');
 * const image = await model.encodeImage('cat.jpg'); // Float32Array(1280), L2-normalised
 * const text = await model.encodeText('a cat on a sofa'); // of the same space
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
   * Loads a bundle that `llm2clip convert` made. Threads of a process that load the same bundle with
   * the same options share one engine. Engine files are executable content: load only bundles you
   * trust.
   *
   * @throws TypeError, RangeError (ERR_INVALID_ARG)
   * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_BUNDLE_INVALID, ERR_ENGINE_INCOMPATIBLE,
   *   ERR_RUNTIME_MISSING, ERR_DEVICE_UNAVAILABLE, ERR_OUT_OF_MEMORY, ERR_IO
   */
  static async load(bundle: string, options?: LoadOptions): Promise<LLM2CLIP> {
    const path = nonEmptyString(bundle, 'bundle');
    const resolved = resolveLoadOptions(options);
    return new LLM2CLIP(await withCallerStack(loadBundle(path, resolved)), resolved);
  }

  /** What really runs: engine, device, precision, versions, kernels. */
  get info(): ModelInfo {
    return this.#info;
  }

  /** Counts, queue depth, batch sizes, copies and the times of each stage, since loading. */
  stats(): ModelStats {
    return modelStats({ vision: this.#images?.stats(), text: this.#texts.stats() });
  }

  /**
   * The embedding [E] of one picture, L2-normalised unless `normalize: false`.
   *
   * @param input Path, encoded bytes, raw 8-bit pixels or preprocessed pixels; memory is read before
   *   the call returns, shared memory until the promise settles.
   * @throws TypeError, RangeError (ERR_INVALID_ARG, ERR_INVALID_BUFFER); `signal.reason`
   * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO, ERR_IMAGE_UNSUPPORTED, ERR_IMAGE_CORRUPT,
   *   ERR_IMAGE_TOO_LARGE, ERR_QUEUE_FULL, ERR_TIMEOUT, ERR_DISPOSED, ERR_OUT_OF_MEMORY,
   *   ERR_DEVICE_LOST; ERR_ENGINE_INCOMPATIBLE for a bundle without a vision tower
   */
  async encodeImage(input: ImageInput, options?: EncodeImageOptions): Promise<Float32Array>;
  /**
   * Vectors of the picture's patches, [rows, columns, E] in the space of the embeddings, or with
   * `layer` [rows, columns, D] as they leave that layer. Of the torchscript engine on the CPU.
   *
   * @throws as above; RangeError ERR_INVALID_ARG for a layer that the tower does not have,
   *   ERR_ENGINE_INCOMPATIBLE for an engine that gives embeddings alone
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
    const embedding = await withCallerStack(this.#encodeImage(input, resolved, onePlace(resolved)));
    return resolved.given ?? embedding;
  }

  /**
   * The embeddings of many pictures in one array [n, E]; as many are decoded ahead as fill two
   * batches, and none is refused for a full queue. Their memory is read until the promise settles.
   * Errors as encodeImage's, of the first picture that fails, unless `onError: 'collect'`.
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
    // Pictures are read when their turn comes, after others' embeddings are there.
    if (resolved.out !== undefined && inputs.some((input) => overlapsImage(input, out))) {
      throw invalidBuffer('memory of its own', 'options.out', out);
    }
    const rows = { count, dim, out, atOnce: 2 * maxBatch };
    return withCallerStack(
      encodeRows(rows, resolved, (i, place) => this.#encodeImage(inputs[i], resolved, place)),
    );
  }

  /**
   * The embeddings of a stream of pictures, in its order. At most `readAhead` pictures (default: two
   * batches) are taken and not yet given out, so that memory stays constant however long the stream
   * is and a slow consumer holds the source back. Errors as encodeImages'.
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
   * The embedding [E] of a text, L2-normalised unless `normalize: false`: comparable with pictures' by
   * a dot product. It is put into LLM2CLIP's prompt and cut at 512 tokens, as in the reference. One
   * that was asked for before is not computed again: `textCache` of LoadOptions.
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
    const place = onePlace(resolved);
    const embedding = await withCallerStack(this.#encodeText(text, output, resolved, place));
    return resolved.given ?? embedding;
  }

  /**
   * The embeddings of many texts in one array [n, E], batched by their tokens; none is refused for a
   * full queue. Errors as encodeText's, of the first text that fails, unless `onError: 'collect'`.
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
    const own = copyTexts(texts, count); // whatever becomes of the caller's array
    const rows = { count, dim, out, atOnce: TEXTS_AT_ONCE };
    return withCallerStack(
      encodeRows(rows, resolved, (i, place) =>
        this.#encodeText(own[i] as string, output, resolved, place),
      ),
    );
  }

  /**
   * The embeddings [n, E] of features [n, D] that a language model made, by the text adapter alone:
   * for those that are stored, or that another program computed. Errors as encodeTexts'.
   *
   * @param features Row after row, read until the promise settles.
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
    // Features are read when their turn comes, after others' embeddings are there.
    if (resolved.out !== undefined && overlap(numbers, out)) {
      throw invalidBuffer('memory of its own', 'options.out', out);
    }
    const rows = { count, dim, out, atOnce: TEXTS_AT_ONCE };
    return withCallerStack(
      encodeRows(rows, resolved, (i, place) =>
        this.#run(resolved, place, () =>
          this.#texts.encodeFeature(rowOf(numbers, i, width), resolved, place),
        ),
      ),
    );
  }

  /**
   * The labels that fit a picture best, best first, with their probabilities; for the lists of labels
   * that were used last their vectors are kept, so that the second call costs the picture alone.
   *
   * @param image As encodeImage's; its memory is read until the promise settles.
   * @param labels At least one; a label that is given twice is two classes.
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
   * Labels as vectors, to classify many pictures with; the caller disposes of it. Labels are encoded
   * in pieces, off the event loop.
   *
   * @throws TypeError, RangeError (ERR_INVALID_ARG); `signal.reason`
   * @throws LLM2CLIPError As encodeTexts()
   * @example
   * await using classifier = await model.classifier(labels, { templates: ['a photo of a {}.', 'art of a {}.'] });
   * for (const path of paths) console.log(path, (await classifier.classify(path, { topK: 1 }))[0]);
   */
  async classifier(labels: readonly string[], options?: ClassifierOptions): Promise<Classifier> {
    return Classifier.create(this, labels, options);
  }

  /** Finishes what is under way, then frees the engines. Safe to call twice. */
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

  async #run<T>(
    { signal }: ResolvedEncodeOptions,
    { waits }: Place,
    body: () => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    return this.#admission.run(waits, body);
  }

  #encodeImage(
    input: unknown,
    options: ResolvedEncodeOptions,
    place: Place,
  ): Promise<Float32Array> {
    return this.#run(options, place, () => this.#imageSide().encode(input, options, place));
  }

  async #encodePatches(
    input: unknown,
    layer: number | undefined,
    options: unknown,
  ): Promise<Patches> {
    const images = this.#imageSide();
    const output = images.patchOutput(layer);
    const resolved = resolvePatchOptions(options, output);
    return this.#run(resolved, onePlace(resolved), () =>
      images.encodePatches(input, resolved, output),
    );
  }

  #encodeText(
    text: string,
    output: TextOutput,
    options: ResolvedEncodeOptions,
    place: Place,
  ): Promise<Float32Array> {
    return this.#run(options, place, () =>
      output === 'feature'
        ? this.#texts.encodeToFeature(text, options, place)
        : this.#texts.encode(text, options, place),
    );
  }

  #imageSide(): ImageSide {
    if (this.#images !== undefined) return this.#images;
    throw new LLM2CLIPError(
      'ERR_ENGINE_INCOMPATIBLE',
      'this model has no vision tower; load it with its vision part, or convert a checkpoint that holds one',
    );
  }

  /** Numbers of a text's output; what is missing for it is said at once. */
  #textDim(output: TextOutput): number {
    const { width } = this.#texts.llm();
    if (output === 'feature') return width;
    this.#texts.adapter();
    return this.info.embeddingDim;
  }
}

function onePlace({ out }: ResolvedEncodeOptions): Place {
  return { waits: false, out, outOffset: 0 };
}

function requireIterable(inputs: unknown): void {
  const iterable =
    isObject(inputs) && (Symbol.asyncIterator in inputs || Symbol.iterator in inputs);
  if (!iterable) throw invalidType('an iterable of images', 'inputs', inputs);
}
