import { abortable } from './abort';
import { invalidBuffer, invalidType, nonEmptyString } from './arguments';
import { withCallerStack } from './caller';
import { forEachConcurrently } from './concurrency';
import { Embeddings, normalise } from './embeddings';
import { LLM2CLIPError } from './errors';
import { decodeImage, type ImageInput } from './image';
import { type LoadedBundle, loadBundle, type ModelInfo } from './load';
import { fromNative } from './native';
import {
  type EncodeManyOptions,
  type EncodeOptions,
  type ImageOptions,
  type LoadOptions,
  type ResolvedEncodeOptions,
  resolveEncodeOptions,
  resolveLoadOptions,
} from './options';

/**
 * An LLM2CLIP image tower, loaded. Everything runs off the event loop: decoding on libuv's threads,
 * the rest on a thread of the engine's own.
 *
 * @example
 * await using model = await LLM2CLIP.load('eva02-l-14-336.bundle');
 * const embedding = await model.encodeImage('cat.jpg'); // Float32Array(1280), L2-normalised
 */
export class LLM2CLIP {
  readonly #loaded: LoadedBundle;
  readonly #image: Required<ImageOptions>;
  readonly #underWay = new Set<Promise<unknown>>();
  #disposed: Promise<void> | undefined;

  private constructor(loaded: LoadedBundle, image: Required<ImageOptions>) {
    this.#loaded = loaded;
    this.#image = image;
  }

  /**
   * Loads a bundle that `llm2clip convert` made. Engine files are executable content: load only
   * bundles you trust.
   *
   * @throws TypeError, RangeError (ERR_INVALID_ARG)
   * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_BUNDLE_INVALID, ERR_ENGINE_INCOMPATIBLE,
   *   ERR_RUNTIME_MISSING, ERR_DEVICE_UNAVAILABLE, ERR_OUT_OF_MEMORY, ERR_IO
   */
  static async load(bundle: string, options?: LoadOptions): Promise<LLM2CLIP> {
    const path = nonEmptyString(bundle, 'bundle');
    const resolved = resolveLoadOptions(options);
    return new LLM2CLIP(await withCallerStack(loadBundle(path, resolved)), resolved.image);
  }

  /** What really runs: engine, device, precision, versions, kernels. */
  get info(): ModelInfo {
    return this.#loaded.info;
  }

  /**
   * The embedding [E] of one picture, L2-normalised unless `normalize: false`.
   *
   * @param input Path, encoded bytes, raw 8-bit pixels or preprocessed pixels; raw memory must not be
   *   written before the promise settles.
   * @throws TypeError, RangeError (ERR_INVALID_ARG, ERR_INVALID_BUFFER); `signal.reason`
   * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO, ERR_IMAGE_UNSUPPORTED, ERR_IMAGE_CORRUPT,
   *   ERR_IMAGE_TOO_LARGE, ERR_DISPOSED, ERR_OUT_OF_MEMORY
   */
  async encodeImage(input: ImageInput, options?: EncodeOptions): Promise<Float32Array> {
    const { embeddingDim } = this.info;
    const resolved = resolveEncodeOptions(options, embeddingDim);
    const embedding = await withCallerStack(this.#encode(input, resolved));
    if (resolved.out === undefined) return embedding;
    return deliver(embedding, resolved.out, 0);
  }

  /**
   * The embeddings of many pictures in one array [n, E]; as many are decoded ahead as fill two
   * batches. Errors as encodeImage's, of the first picture that fails, unless `onError: 'collect'`.
   *
   * @example
   * const { data, shape, errors } = await model.encodeImages(paths, { onError: 'collect' });
   */
  async encodeImages(
    inputs: readonly ImageInput[],
    options?: EncodeManyOptions,
  ): Promise<Embeddings> {
    if (!Array.isArray(inputs)) throw invalidType('an array of images', 'inputs', inputs);
    const { embeddingDim, maxBatch } = this.info;
    const length = inputs.length * embeddingDim;
    const resolved = resolveEncodeOptions(options, length);
    const data = resolved.out?.subarray(0, length) ?? new Float32Array(length);
    const errors = new Map<number, unknown>();
    const encodeRow = async (i: number) => {
      try {
        deliver(await this.#encode(inputs[i], resolved), data, i * embeddingDim);
      } catch (error) {
        if (resolved.onError === 'throw' || resolved.signal?.aborted) throw error;
        errors.set(i, error);
        data.fill(Number.NaN, i * embeddingDim, (i + 1) * embeddingDim);
      }
    };
    await withCallerStack(forEachConcurrently(inputs.length, 2 * maxBatch, encodeRow));
    return new Embeddings(data, embeddingDim, errors);
  }

  /** Finishes what is queued, then frees the engine. Safe to call twice. */
  dispose(): Promise<void> {
    this.#disposed ??= this.#close();
    return this.#disposed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** Pictures that are still being decoded count as queued. */
  async #close(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    await fromNative(this.#loaded.session.close());
  }

  async #encode(input: unknown, options: ResolvedEncodeOptions): Promise<Float32Array> {
    options.signal?.throwIfAborted();
    if (this.#disposed !== undefined) {
      throw new LLM2CLIPError('ERR_DISPOSED', 'the model has been disposed of');
    }
    const work = this.#run(input, options.signal);
    this.#underWay.add(work);
    const settled = () => this.#underWay.delete(work);
    work.then(settled, settled);
    const embedding = await abortable(work, options.signal);
    return options.normalize ? normalise(embedding) : embedding;
  }

  async #run(input: unknown, signal: AbortSignal | undefined): Promise<Float32Array> {
    const { session, manifest } = this.#loaded;
    const pixels = await decodeImage(input, this.#image);
    signal?.throwIfAborted();
    if ('pixelValues' in pixels) requireSize(pixels.pixelValues, manifest.preprocessing.size);
    return fromNative(session.encode(pixels));
  }
}

function requireSize(pixelValues: Float32Array, size: number): void {
  if (pixelValues.length === 3 * size * size) return;
  throw invalidBuffer(`pixelValues [3, ${size}, ${size}]`, 'image', pixelValues);
}

/** Into the caller's memory, which may have been detached or shrunk meanwhile. */
function deliver(embedding: Float32Array, out: Float32Array, at: number): Float32Array {
  if (out.length < at + embedding.length) {
    throw invalidBuffer('memory that still holds the result', 'options.out', out);
  }
  out.set(embedding, at);
  return out;
}
