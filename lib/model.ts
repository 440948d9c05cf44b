import { createHistogram } from 'node:perf_hooks';
import { abortable } from './abort';
import { invalidBuffer, invalidType, isObject, nonEmptyString } from './arguments';
import { withCallerStack } from './caller';
import { forEachConcurrently } from './concurrency';
import { Embeddings } from './embeddings';
import { LLM2CLIPError } from './errors';
import {
  decodeImage,
  type EncodedImage,
  type ImageInput,
  isEncoded,
  overlapsImage,
  readPixels,
} from './image';
import { type LoadedBundle, loadBundle, type ModelInfo } from './load';
import { fromNative, type Pixels } from './native';
import {
  type EncodeManyOptions,
  type EncodeOptions,
  type EncodeStreamOptions,
  type LoadOptions,
  type ResolvedEncodeOptions,
  type ResolvedLoadOptions,
  resolveEncodeOptions,
  resolveLoadOptions,
} from './options';
import { type DecodeStats, type ModelStats, modelStats } from './stats';
import { type Streamed, streamInOrder } from './stream';

/** Where one picture's embedding goes. */
interface Place {
  /** The caller bounds itself: never refused for a full queue. */
  waits: boolean;
  out: Float32Array | undefined;
  outOffset: number;
}

/**
 * An LLM2CLIP image tower, loaded. Everything runs off the event loop: decoding on libuv's threads,
 * the rest on threads of the engine's own.
 *
 * @example
 * await using model = await LLM2CLIP.load('eva02-l-14-336.bundle');
 * const embedding = await model.encodeImage('cat.jpg'); // Float32Array(1280), L2-normalised
 */
export class LLM2CLIP {
  readonly #loaded: LoadedBundle;
  readonly #options: ResolvedLoadOptions;
  readonly #decoding: DecodeStats = { time: createHistogram(), copies: { count: 0, bytes: 0 } };
  #underWay = 0;
  #waking = false;
  #nextId = 0;
  #disposed: Promise<void> | undefined;
  #whenIdle: (() => void) | undefined;

  private constructor(loaded: LoadedBundle, options: ResolvedLoadOptions) {
    this.#loaded = loaded;
    this.#options = options;
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
    return this.#loaded.info;
  }

  /** Counts, queue depth, batch sizes, copies and the times of each stage, since loading. */
  stats(): ModelStats {
    return modelStats(this.#loaded.session.stats(), this.#decoding);
  }

  /**
   * The embedding [E] of one picture, L2-normalised unless `normalize: false`.
   *
   * @param input Path, encoded bytes, raw 8-bit pixels or preprocessed pixels; memory is read before
   *   the call returns, shared memory until the promise settles.
   * @throws TypeError, RangeError (ERR_INVALID_ARG, ERR_INVALID_BUFFER); `signal.reason`
   * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO, ERR_IMAGE_UNSUPPORTED, ERR_IMAGE_CORRUPT,
   *   ERR_IMAGE_TOO_LARGE, ERR_QUEUE_FULL, ERR_TIMEOUT, ERR_DISPOSED, ERR_OUT_OF_MEMORY,
   *   ERR_DEVICE_LOST
   */
  async encodeImage(input: ImageInput, options?: EncodeOptions): Promise<Float32Array> {
    const resolved = resolveEncodeOptions(options, this.info.embeddingDim);
    const { out } = resolved;
    return await withCallerStack(
      this.#encode(input, resolved, { waits: false, out, outOffset: 0 }),
    );
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
    const { embeddingDim, maxBatch } = this.info;
    const length = inputs.length * embeddingDim;
    const resolved = resolveEncodeOptions(options, length);
    const out = resolved.out?.subarray(0, length) ?? new Float32Array(length);
    // Pictures are read when their turn comes, after others' embeddings are there.
    if (resolved.out !== undefined && inputs.some((input) => overlapsImage(input, out))) {
      throw invalidBuffer('memory of its own', 'options.out', out);
    }
    const errors = new Map<number, unknown>();
    const encodeRow = async (i: number) => {
      try {
        await this.#encode(inputs[i], resolved, { waits: true, out, outOffset: i * embeddingDim });
      } catch (error) {
        const lost = out.length !== length; // taken away meanwhile
        if (resolved.onError === 'throw' || resolved.signal?.aborted || lost) throw error;
        errors.set(i, error);
        out.fill(Number.NaN, i * embeddingDim, (i + 1) * embeddingDim);
      }
    };
    await withCallerStack(forEachConcurrently(inputs.length, 2 * maxBatch, encodeRow));
    return new Embeddings(out, embeddingDim, errors);
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
    const resolved = resolveEncodeOptions(options, 0);
    const readAhead = resolved.readAhead ?? 2 * this.info.maxBatch;
    const place: Place = { waits: true, out: undefined, outOffset: 0 };
    const encode = (input: Input) => this.#encode(input, resolved, place);
    for await (const result of streamInOrder(inputs, readAhead, encode)) {
      resolved.signal?.throwIfAborted();
      if (result.error !== undefined && resolved.onError === 'throw') throw result.error;
      yield result;
    }
  }

  /** Finishes what is under way, then frees the engine. Safe to call twice. */
  dispose(): Promise<void> {
    this.#disposed ??= this.#close();
    return this.#disposed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #close(): Promise<void> {
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    await fromNative(this.#loaded.session.close());
  }

  /** A picture that is being decoded counts as queued. */
  #admit(waits: boolean): void {
    if (this.#disposed !== undefined) {
      throw new LLM2CLIPError('ERR_DISPOSED', 'the model has been disposed of');
    }
    const { maxQueue } = this.#options;
    if (waits || this.#underWay < maxQueue) return;
    throw new LLM2CLIPError(
      'ERR_QUEUE_FULL',
      `expected fewer than ${maxQueue} pictures under way; try again later, or raise options.batching.maxQueue`,
    );
  }

  async #encode(
    input: unknown,
    options: ResolvedEncodeOptions,
    place: Place,
  ): Promise<Float32Array> {
    options.signal?.throwIfAborted();
    this.#admit(place.waits);
    this.#underWay += 1;
    try {
      if (isEncoded(input)) return await this.#encodeFile(input, options, place);
      const { pixels, borrowed } = readPixels(input, options.transfer);
      return await this.#submit(pixels, borrowed, options, place);
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#whenIdle?.();
    }
  }

  async #encodeFile(
    input: EncodedImage,
    options: ResolvedEncodeOptions,
    place: Place,
  ): Promise<Float32Array> {
    const { signal, timeoutMs, transfer } = options;
    const started = performance.now();
    const timeout = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
    const either = timeout && signal ? AbortSignal.any([timeout, signal]) : (timeout ?? signal);
    const decoded = decodeImage(input, {
      ...this.#options.image,
      transfer,
      signal: either,
      onCopy: (bytes) => this.#countCopy(bytes),
    });
    const pixels = await abortable(decoded, either).catch((error: unknown) => {
      throw timeout?.aborted && error === timeout.reason ? timedOut() : error;
    });
    const took = performance.now() - started;
    this.#decoding.time.record(Math.max(1, Math.round(took * 1e6)));
    if (timeoutMs === undefined) return this.#submit(pixels, false, options, place);
    if (took >= timeoutMs) throw timedOut();
    return this.#submit(pixels, false, { ...options, timeoutMs: timeoutMs - took }, place);
  }

  #countCopy(bytes: number): void {
    this.#decoding.copies.count += 1;
    this.#decoding.copies.bytes += bytes;
  }

  #submit(
    pixels: Pixels,
    borrowed: boolean,
    { signal, timeoutMs, priority, normalize }: ResolvedEncodeOptions,
    { waits, out, outOffset }: Place,
  ): Promise<Float32Array> {
    const { session, manifest } = this.#loaded;
    if ('pixelValues' in pixels) requireSize(pixels.pixelValues, manifest.preprocessing.size);
    this.#nextId = (this.#nextId + 1) >>> 0;
    const id = this.#nextId;
    const spec = { borrowed, priority, timeoutMs, waits, normalize, out, outOffset };
    const embedding = fromNative(session.encode(id, pixels, spec));
    this.#wakeSoon();
    if (signal === undefined) return embedding;
    return abortable(embedding, signal, () => session.cancel(id));
  }

  /** Once the caller's turn is over: what it asks for together becomes one batch. */
  #wakeSoon(): void {
    if (this.#waking) return;
    this.#waking = true;
    queueMicrotask(() => {
      this.#waking = false;
      this.#loaded.session.wake();
    });
  }
}

function timedOut(): LLM2CLIPError {
  return new LLM2CLIPError('ERR_TIMEOUT', "the request's time is over");
}

function requireIterable(inputs: unknown): void {
  const iterable =
    isObject(inputs) && (Symbol.asyncIterator in inputs || Symbol.iterator in inputs);
  if (!iterable) throw invalidType('an iterable of images', 'inputs', inputs);
}

function requireSize(pixelValues: Float32Array | Uint16Array, size: number): void {
  if (pixelValues.length === 3 * size * size) return;
  throw invalidBuffer(`pixelValues [3, ${size}, ${size}]`, 'image', pixelValues);
}
