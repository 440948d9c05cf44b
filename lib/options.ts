import { types } from 'node:util';
import {
  invalidBuffer,
  invalidRange,
  invalidType,
  optionalBoolean,
  optionalFunction,
  optionalInteger,
  optionalMilliseconds,
  optionalOneOf,
  optionalSignal,
  optionalString,
  optionNames,
  optionsBag,
} from './arguments';
import { PARTS, type Part } from './parts';
import { usableProcessors } from './runtime/processors';
import {
  type ResolvedTextCache,
  type TextCacheOptions,
  textCacheOptions,
} from './text/cache-options';
import { ownFloats } from './typed-array';

/** Receives log messages. It must not throw. */
export type Logger = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields: Record<string, unknown>,
) => void;

/** How encoded images are decoded. */
export interface ImageOptions {
  /**
   * Images with more pixels are refused with ERR_IMAGE_TOO_LARGE. The limit is checked against the
   * image's header, before decoding. Default 268,402,689.
   */
  maxPixels?: number;
  /**
   * Rotate and mirror images as their EXIF orientation says. Default false, as in the reference.
   */
  autoOrient?: boolean;
}

/**
 * Options of LLM2CLIP.load.
 *
 * @example
 * await using model = await LLM2CLIP.load('eva02.bundle', {
 *   parts: ['vision'],
 *   device: 'cuda',
 *   batching: { maxBatch: 32, maxQueue: 256 },
 * });
 */
export interface LoadOptions {
  /**
   * The parts of the bundle to load, e.g. ['vision'] if you encode no texts. Default: all parts.
   */
  parts?: readonly Part[];
  /** 'auto' (default), 'cpu', 'cuda' or 'cuda:N'. Only 'auto' falls back to the CPU. */
  device?: string;
  /** Threads that compute one batch. Default: the number of cores that this process may use. */
  threads?: number;
  batching?: {
    /**
     * Largest number of images in one run of the engine, limited by the bundle's largest batch.
     * Default 8 on the CPU, 64 on a GPU.
     */
    maxBatch?: number;
    /**
     * Largest number of images and texts whose calls are pending. Further calls reject with
     * ERR_QUEUE_FULL. Default 1024.
     */
    maxQueue?: number;
    /**
     * Time that a batch waits for further inputs while it is not full, in milliseconds. Default 0:
     * it does not wait.
     */
    maxDelayMs?: number;
  };
  logger?: Logger;
  image?: ImageOptions;
  /** Limits of the cache for text embeddings. `false` turns the cache off. */
  textCache?: TextCacheOptions | false;
  /**
   * Folder of libtorch or TensorRT, for packaged apps. Default: the places that
   * `llm2clip runtime info` lists.
   */
  runtime?: string;
}

/**
 * Options of every call that encodes.
 *
 * @example
 * const signal = AbortSignal.timeout(500);
 * const embedding = await model.encodeImage('cat.jpg', { signal, priority: 1 });
 */
export interface EncodeOptions {
  /** L2-normalise the embedding. Default true. */
  normalize?: boolean;
  /**
   * Array that the result is written to: one embedding [E], or [n, E] in a call for many inputs.
   */
  out?: Float32Array;
  /**
   * Cancels the call, which rejects with the signal's reason. A queued input leaves the queue; the
   * result of a running one is dropped.
   */
  signal?: AbortSignal;
  /** Time limit in milliseconds. The call rejects with ERR_TIMEOUT if it takes longer. */
  timeoutMs?: number;
  /**
   * Inputs with a higher priority run first. Among equal ones the nearest deadline comes first,
   * then the oldest input. An integer from -1,000,000 to 1,000,000. Default 0.
   */
  priority?: number;
  /**
   * Transfer the input's memory to the library instead of copying it. The caller's view is
   * detached.
   */
  transfer?: boolean;
}

/** Options of encodeImage for an embedding. */
export interface EncodeImageOptions extends EncodeOptions {
  /** 'embedding' (default): the embedding of the image, [E]. */
  output?: 'embedding';
}

/**
 * Options of encodeImage for the vectors of an image's patches.
 *
 * @example
 * const { data, shape } = await model.encodeImage('cat.jpg', { output: 'patches', layer: -2 });
 * // shape: [rows, columns, D]
 */
export interface EncodePatchesOptions extends EncodeOptions {
  /** 'patches': one vector per patch, without the class token. */
  output: 'patches';
  /**
   * The layer whose output is returned, [D] per patch, as LLaVA's vision_feature_layer counts: 0 is
   * the patch embedding with positions, k is the k-th block, -1 is the last block before the final
   * norm, and -2 the one before it. Default: each patch is mapped to the space of the embeddings,
   * [E], so that you can compare it with texts.
   */
  layer?: number;
  /** L2-normalise each patch. Default: true without `layer`, false with it. */
  normalize?: boolean;
}

/** Options of encodeText. */
export interface EncodeTextOptions extends Omit<EncodeOptions, 'transfer'> {
  /**
   * 'embedding' (default): the embedding, [E]. 'feature': the output of the language model before
   * the adapter, [D]. It is never L2-normalised, and encodeTextFeatures takes it.
   */
  output?: 'embedding' | 'feature';
}

/** Options of encodeTexts. */
export interface EncodeManyTextsOptions
  extends EncodeTextOptions,
    Pick<EncodeManyOptions, 'onError'> {}

/** Options of calls that encode many inputs. */
export interface EncodeManyOptions extends EncodeOptions {
  /**
   * 'throw' (default): the first failure rejects the call. 'collect': the row of a failed input is
   * NaN, and `errors` holds its error.
   */
  onError?: 'throw' | 'collect';
}

/** Options of embedStream. */
export interface EncodeStreamOptions extends Omit<EncodeManyOptions, 'out'> {
  /**
   * Largest number of images that are read from the stream before their results are consumed.
   * Default: two batches.
   */
  readAhead?: number;
}

const LOAD_OPTIONS = optionNames<LoadOptions>({
  parts: true,
  device: true,
  threads: true,
  batching: true,
  logger: true,
  image: true,
  textCache: true,
  runtime: true,
});
const BATCHING_OPTIONS = optionNames<NonNullable<LoadOptions['batching']>>({
  maxBatch: true,
  maxQueue: true,
  maxDelayMs: true,
});
const DECODING_OPTIONS = optionNames<ImageOptions>({ maxPixels: true, autoOrient: true });

const DEVICE = /^(auto|cpu|cuda(:\d+)?)$/;
export const DEFAULT_MAX_PIXELS = 268_402_689;
const DEFAULT_MAX_QUEUE = 1024;
const PRIORITIES = [-1_000_000, 1_000_000] as const;
const TEXT_OUTPUTS = ['embedding', 'feature'] as const;
const ERROR_MODES = ['throw', 'collect'] as const;

/** Load options with all defaults filled in. */
export interface ResolvedLoadOptions {
  /** Undefined: all parts. */
  parts: readonly Part[] | undefined;
  device: string;
  threads: number;
  /** Undefined: the default of the device. */
  maxBatch: number | undefined;
  maxQueue: number;
  maxDelayMs: number;
  logger: Logger;
  image: Required<ImageOptions>;
  /** Undefined: no cache. */
  textCache: ResolvedTextCache | undefined;
  runtime: string | undefined;
}

function imageOptions(value: unknown): Required<ImageOptions> {
  const image = optionsBag(value, 'options.image', DECODING_OPTIONS);
  const { maxPixels, autoOrient } = image;
  return {
    maxPixels: optionalInteger(maxPixels, 'options.image.maxPixels', DEFAULT_MAX_PIXELS, [
      1,
      Number.MAX_SAFE_INTEGER,
    ]),
    autoOrient: optionalBoolean(autoOrient, 'options.image.autoOrient', false),
  };
}

/** @throws TypeError, RangeError (ERR_INVALID_ARG) */
export function wantedParts(value: unknown): Part[] | undefined {
  const name = 'options.parts';
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw invalidType('an array', name, value);
  const known = value.filter((part): part is Part => PARTS.includes(part));
  if (known.length > 0 && known.length === value.length) return known;
  throw invalidRange(`some of ${PARTS.join(', ')}`, name, value);
}

export function resolveLoadOptions(value: unknown): ResolvedLoadOptions {
  const options = optionsBag(value, 'options', LOAD_OPTIONS);
  const device = optionalString(options.device, 'options.device') ?? 'auto';
  if (!DEVICE.test(device)) {
    throw invalidRange("'auto', 'cpu', 'cuda' or 'cuda:N'", 'options.device', device);
  }
  const batching = optionsBag(options.batching, 'options.batching', BATCHING_OPTIONS);
  const { maxBatch, maxQueue, maxDelayMs } = batching;
  return {
    parts: wantedParts(options.parts),
    device,
    threads: optionalInteger(options.threads, 'options.threads', usableProcessors(), [1, 1024]),
    maxBatch:
      maxBatch === undefined
        ? undefined
        : optionalInteger(maxBatch, 'options.batching.maxBatch', 1, [1, 1024]),
    maxQueue: optionalInteger(
      maxQueue,
      'options.batching.maxQueue',
      DEFAULT_MAX_QUEUE,
      [1, 1_000_000],
    ),
    maxDelayMs: optionalMilliseconds(maxDelayMs, 'options.batching.maxDelayMs') ?? 0,
    logger: optionalFunction<Logger>(options.logger, 'options.logger') ?? (() => {}),
    image: imageOptions(options.image),
    textCache: textCacheOptions(options.textCache),
    runtime: optionalString(options.runtime, 'options.runtime'),
  };
}

/** Encode options with all defaults filled in. */
export interface ResolvedEncodeOptions {
  normalize: boolean;
  /** The library's own view of the caller's memory. */
  out: Float32Array | undefined;
  /** The array that the caller passed; it shares the memory of `out`. */
  given: Float32Array | undefined;
  signal: AbortSignal | undefined;
  timeoutMs: number | undefined;
  priority: number;
  transfer: boolean;
  onError: (typeof ERROR_MODES)[number];
  readAhead: number | undefined;
}

/** The kinds of output that a text can be encoded to. */
export type TextOutput = (typeof TEXT_OUTPUTS)[number];

export function textOutput(value: unknown, known: readonly string[]): TextOutput {
  const { output } = optionsBag(value, 'options', known);
  return optionalOneOf(output, 'options.output', 'embedding', TEXT_OUTPUTS);
}

function outOf(given: unknown, length: number): Pick<ResolvedEncodeOptions, 'out' | 'given'> {
  if (given === undefined) return { out: undefined, given };
  if (!types.isFloat32Array(given)) throw invalidType('a Float32Array', 'options.out', given);
  const out = ownFloats(given, 'options.out');
  if (out.length >= length) return { out, given };
  throw invalidBuffer(`at least ${length} numbers`, 'options.out', out);
}

/**
 * @param length Numbers that `out` must hold.
 * @param known Names of the options that the call takes.
 * @throws TypeError, RangeError (ERR_INVALID_ARG, ERR_INVALID_BUFFER)
 */
export function resolveEncodeOptions(
  value: unknown,
  length: number,
  known: readonly string[],
): ResolvedEncodeOptions {
  const options = optionsBag(value, 'options', known);
  return {
    normalize: optionalBoolean(options.normalize, 'options.normalize', true),
    ...outOf(options.out, length),
    signal: optionalSignal(options.signal, 'options.signal'),
    timeoutMs: optionalMilliseconds(options.timeoutMs, 'options.timeoutMs'),
    priority: optionalInteger(options.priority, 'options.priority', 0, PRIORITIES),
    transfer: optionalBoolean(options.transfer, 'options.transfer', false),
    onError: optionalOneOf(options.onError, 'options.onError', 'throw', ERROR_MODES),
    readAhead:
      options.readAhead === undefined
        ? undefined
        : optionalInteger(options.readAhead, 'options.readAhead', 0, [1, 1_000_000]),
  };
}
