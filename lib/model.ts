import { abortable } from './abort';
import { invalidBuffer, invalidType, nonEmptyString } from './arguments';
import type { Manifest } from './bundle/manifest';
import { openBundle } from './bundle/open';
import { Embeddings, normalise } from './embeddings';
import { OPERATORS_VERSION, openEngine } from './engine';
import { LLM2CLIPError } from './errors';
import { decodeImage, type ImageInput } from './image';
import { fromNative, type NativeEngine, type NativeSession } from './native';
import {
  type EncodeManyOptions,
  type EncodeOptions,
  type LoadOptions,
  type ResolvedEncodeOptions,
  type ResolvedLoadOptions,
  resolveEncodeOptions,
  resolveLoadOptions,
} from './options';

/** What really runs. */
export interface ModelInfo {
  bundle: string;
  family: string;
  /** Edge of the square the engine sees, in pixels. */
  imageSize: number;
  embeddingDim: number;
  parameters: number;
  engine: { kind: string; flavour: string; version: string };
  device: string;
  /** Why this device: the caller's word, or what 'auto' found. */
  deviceReason: string;
  /** Computed in; `storedPrecision` is that of the bundle's weights. */
  precision: string;
  storedPrecision: string;
  threads: number;
  maxBatch: number;
  kernels: readonly string[];
}

interface Loaded {
  session: NativeSession;
  manifest: Manifest;
  info: ModelInfo;
  image: ResolvedLoadOptions['image'];
}

function requireOperators(manifest: Manifest): void {
  const { flavour, operators } = manifest.engine;
  if (flavour !== 'native' || operators === OPERATORS_VERSION) return;
  throw new LLM2CLIPError(
    'ERR_ENGINE_INCOMPATIBLE',
    `expected an engine with operators version ${OPERATORS_VERSION}, found ${operators}; ` +
      'convert the checkpoint again with `npx llm2clip convert`',
  );
}

function chooseDevice(wanted: string): { device: string; deviceReason: string } {
  if (wanted !== 'auto') return { device: wanted, deviceReason: 'asked for' };
  return { device: 'cpu', deviceReason: 'auto: this version has no CUDA engine' };
}

async function openSession(
  engine: NativeEngine,
  manifest: Manifest,
  file: string,
  options: ResolvedLoadOptions & { device: string },
): Promise<NativeSession> {
  return fromNative(
    engine.open({
      file,
      device: options.device,
      threads: options.threads,
      maxBatch: Math.min(options.maxBatch, manifest.batch.max),
      embeddingDim: manifest.model.embeddingDim,
      preprocessing: manifest.preprocessing,
    }),
  );
}

async function loadBundle(path: string, options: ResolvedLoadOptions): Promise<Loaded> {
  const { device, deviceReason } = chooseDevice(options.device);
  const bundle = await openBundle(path);
  try {
    const { manifest } = bundle;
    requireOperators(manifest);
    const engine = await openEngine(manifest.engine.kind, options.runtime);
    const file = await bundle.verify(manifest.parts.vision);
    const session = await openSession(engine, manifest, file, { ...options, device });
    const info: ModelInfo = {
      bundle: path,
      family: manifest.model.family,
      imageSize: manifest.model.imageSize,
      embeddingDim: manifest.model.embeddingDim,
      parameters: manifest.parameters,
      engine: {
        kind: manifest.engine.kind,
        flavour: manifest.engine.flavour,
        version: engine.version,
      },
      device: session.info.device,
      deviceReason,
      precision: session.info.precision || manifest.precision,
      storedPrecision: manifest.precision,
      threads: options.threads,
      maxBatch: Math.min(options.maxBatch, manifest.batch.max),
      kernels: session.info.kernels,
    };
    options.logger('info', `loaded ${path} on ${info.device} (${deviceReason})`, { ...info });
    return { session, manifest, info, image: options.image };
  } finally {
    await bundle.close();
  }
}

/**
 * An LLM2CLIP image tower, loaded. Everything runs off the event loop: decoding on libuv's threads,
 * the rest on a thread of the engine's own.
 *
 * @example
 * await using model = await LLM2CLIP.load('eva02-l-14-336.bundle');
 * const embedding = await model.encodeImage('cat.jpg'); // Float32Array(1280), L2-normalised
 */
export class LLM2CLIP {
  readonly #loaded: Loaded;
  #disposed: Promise<void> | undefined;

  private constructor(loaded: Loaded) {
    this.#loaded = loaded;
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
    return new LLM2CLIP(await loadBundle(path, resolveLoadOptions(options)));
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
    const embedding = await this.#encode(input, resolved);
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
    const resolved = resolveEncodeOptions(options, inputs.length * embeddingDim);
    const length = inputs.length * embeddingDim;
    const data = resolved.out?.subarray(0, length) ?? new Float32Array(length);
    const errors = new Map<number, unknown>();
    let next = 0;
    let failed = false;
    const encodeNext = async (): Promise<void> => {
      while (next < inputs.length && !failed) {
        const i = next++;
        try {
          deliver(await this.#encode(inputs[i], resolved), data, i * embeddingDim);
        } catch (error) {
          failed = resolved.onError === 'throw' || resolved.signal?.aborted === true;
          if (failed) throw error;
          errors.set(i, error);
          data.fill(Number.NaN, i * embeddingDim, (i + 1) * embeddingDim);
        }
      }
    };
    await Promise.all(Array.from({ length: 2 * maxBatch }, encodeNext));
    return new Embeddings(data, embeddingDim, errors);
  }

  /** Finishes what is queued, then frees the engine. Safe to call twice. */
  dispose(): Promise<void> {
    this.#disposed ??= fromNative(this.#loaded.session.close());
    return this.#disposed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #encode(input: unknown, options: ResolvedEncodeOptions): Promise<Float32Array> {
    const { session, manifest, image } = this.#loaded;
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.#disposed !== undefined) {
      throw new LLM2CLIPError('ERR_DISPOSED', 'the model has been disposed of');
    }
    const pixels = await abortable(decodeImage(input, image), signal);
    if ('pixelValues' in pixels) requireSize(pixels.pixelValues, manifest.preprocessing.size);
    const embedding = await abortable(fromNative(session.encode(pixels)), signal);
    return options.normalize ? normalise(embedding) : embedding;
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
