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

/** Called with what a user may want in a log; must not throw. */
export type Logger = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields: Record<string, unknown>,
) => void;

export interface ImageOptions {
  /** Pictures of more pixels are refused with ERR_IMAGE_TOO_LARGE, from their header. Default 268,402,689. */
  maxPixels?: number;
  /** Turn pictures as their EXIF orientation says. Default false, as the reference. */
  autoOrient?: boolean;
}

export interface LoadOptions {
  /** What of the bundle to load, e.g. ['vision'] where no texts come. Default: all. */
  parts?: readonly Part[];
  /** 'auto' (default), 'cpu', 'cuda' or 'cuda:N'. An explicit device never falls back. */
  device?: string;
  /** Threads one batch is computed with. Default: the cores this process may use. */
  threads?: number;
  batching?: {
    /** Most pictures in one run of the engine. Default 8, on a GPU 64, at most the bundle's. */
    maxBatch?: number;
    /** Most pictures and texts under way, from call to embedding; more meet ERR_QUEUE_FULL. Default 1024. */
    maxQueue?: number;
    /** How long a batch that is not full waits for company, in milliseconds. Default 0: not at all. */
    maxDelayMs?: number;
  };
  logger?: Logger;
  image?: ImageOptions;
  /** What is kept of the embeddings of texts, which many callers ask for again. `false`: nothing. */
  textCache?: TextCacheOptions | false;
  /** Folder that holds libtorch or TensorRT, for packaged apps. Default: looked for, see `llm2clip runtime info`. */
  runtime?: string;
}

export interface EncodeOptions {
  /** L2-normalise the embedding. Default true. */
  normalize?: boolean;
  /** Where to write: one embedding, or in a call for many all of them. */
  out?: Float32Array;
  /** Turns the call away: what waits leaves the queue, what runs is dropped; rejects with its reason. */
  signal?: AbortSignal;
  /** Rejects with ERR_TIMEOUT when the embedding is not there so many milliseconds from now. */
  timeoutMs?: number;
  /** Higher ones run first; within one, the nearest deadline, then the oldest. Default 0. */
  priority?: number;
  /** The input's memory becomes the library's, without a copy; the caller's view is detached. */
  transfer?: boolean;
}

export interface EncodeImageOptions extends EncodeOptions {
  /** Default: the embedding of the picture, [E]. */
  output?: 'embedding';
}

export interface EncodePatchesOptions extends EncodeOptions {
  /** Vectors of the patches, the class token left out. */
  output: 'patches';
  /**
   * What leaves a layer, [D] a patch, as vision_feature_layer of LLaVA: 0 the embedding of the
   * patches with their positions, k the k-th block, -1 the last block before the final norm, -2 the
   * one before it. Default: each patch in the space of the embeddings, [E], to be compared with
   * texts.
   */
  layer?: number;
  /** L2-normalise each patch. Default: without `layer`. */
  normalize?: boolean;
}

export interface EncodeTextOptions extends Omit<EncodeOptions, 'transfer'> {
  /**
   * 'embedding' (default): [E]. 'feature': what the language model makes of the text [D] before the
   * adapter, as encodeTextFeatures takes it, never L2-normalised.
   */
  output?: 'embedding' | 'feature';
}

export interface EncodeManyTextsOptions
  extends EncodeTextOptions,
    Pick<EncodeManyOptions, 'onError'> {}

export interface EncodeManyOptions extends EncodeOptions {
  /** 'throw' (default): the first failure rejects. 'collect': its row is NaN and `errors` says why. */
  onError?: 'throw' | 'collect';
}

export interface EncodeStreamOptions extends Omit<EncodeManyOptions, 'out'> {
  /** Most pictures taken from the stream and not yet given out. Default: two batches. */
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

/** Load options with every default filled in. */
export interface ResolvedLoadOptions {
  /** Undefined: all. */
  parts: readonly Part[] | undefined;
  device: string;
  threads: number;
  /** Undefined: as many as suit the device. */
  maxBatch: number | undefined;
  maxQueue: number;
  maxDelayMs: number;
  logger: Logger;
  image: Required<ImageOptions>;
  /** Undefined: none. */
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

/** Encode options with every default filled in. */
export interface ResolvedEncodeOptions {
  normalize: boolean;
  /** A view of the library's own. */
  out: Float32Array | undefined;
  /** The same memory as the caller gave it. */
  given: Float32Array | undefined;
  signal: AbortSignal | undefined;
  timeoutMs: number | undefined;
  priority: number;
  transfer: boolean;
  onError: (typeof ERROR_MODES)[number];
  readAhead: number | undefined;
}

/** What a text is encoded to. */
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
 * @param known The options of the call.
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
