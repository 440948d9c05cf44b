import { availableParallelism } from 'node:os';
import {
  invalidBuffer,
  invalidRange,
  invalidType,
  optionalBoolean,
  optionalInteger,
  optionalOneOf,
  optionalSignal,
  optionalString,
  optionsBag,
} from './arguments';

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
  /** 'auto' (default), 'cpu', 'cuda' or 'cuda:N'. An explicit device never falls back. */
  device?: string;
  /** Threads one batch is computed with. Default: the cores this process may use. */
  threads?: number;
  batching?: {
    /** Most pictures in one run of the engine. Default 8, at most the bundle's. */
    maxBatch?: number;
  };
  logger?: Logger;
  image?: ImageOptions;
  /** Folder that holds libtorch, for packaged apps. Default: looked for, see `llm2clip runtime info`. */
  runtime?: string;
}

export interface EncodeOptions {
  /** L2-normalise the embedding. Default true. */
  normalize?: boolean;
  /** Where to write: one embedding for encodeImage, all of them for encodeImages. */
  out?: Float32Array;
  signal?: AbortSignal;
}

export interface EncodeManyOptions extends EncodeOptions {
  /** 'throw' (default): the first failure rejects. 'collect': its row is NaN and `errors` says why. */
  onError?: 'throw' | 'collect';
}

const DEVICE = /^(auto|cpu|cuda(:\d+)?)$/;
const DEFAULT_MAX_PIXELS = 268_402_689;
const DEFAULT_MAX_BATCH = 8;
const ERROR_MODES = ['throw', 'collect'] as const;

/** Load options with every default filled in. */
export interface ResolvedLoadOptions {
  device: string;
  threads: number;
  maxBatch: number;
  logger: Logger;
  image: Required<ImageOptions>;
  runtime: string | undefined;
}

function imageOptions(value: unknown): Required<ImageOptions> {
  const image = optionsBag(value, 'options.image');
  const { maxPixels, autoOrient } = image;
  return {
    maxPixels: optionalInteger(maxPixels, 'options.image.maxPixels', DEFAULT_MAX_PIXELS, [
      1,
      Number.MAX_SAFE_INTEGER,
    ]),
    autoOrient: optionalBoolean(autoOrient, 'options.image.autoOrient', false),
  };
}

function logger(value: unknown): Logger {
  if (value === undefined) return () => {};
  if (typeof value !== 'function') throw invalidType('a function', 'options.logger', value);
  return value as Logger;
}

export function resolveLoadOptions(value: unknown): ResolvedLoadOptions {
  const options = optionsBag(value, 'options');
  const device = optionalString(options.device, 'options.device') ?? 'auto';
  if (!DEVICE.test(device)) {
    throw invalidRange("'auto', 'cpu', 'cuda' or 'cuda:N'", 'options.device', device);
  }
  const { maxBatch } = optionsBag(options.batching, 'options.batching');
  return {
    device,
    threads: optionalInteger(options.threads, 'options.threads', availableParallelism(), [1, 1024]),
    maxBatch: optionalInteger(maxBatch, 'options.batching.maxBatch', DEFAULT_MAX_BATCH, [1, 1024]),
    logger: logger(options.logger),
    image: imageOptions(options.image),
    runtime: optionalString(options.runtime, 'options.runtime'),
  };
}

/** Encode options with every default filled in. */
export interface ResolvedEncodeOptions {
  normalize: boolean;
  out: Float32Array | undefined;
  signal: AbortSignal | undefined;
  onError: (typeof ERROR_MODES)[number];
}

/** @param length Numbers that `out` must hold. */
export function resolveEncodeOptions(value: unknown, length: number): ResolvedEncodeOptions {
  const options = optionsBag(value, 'options');
  const { out } = options;
  if (out !== undefined && !(out instanceof Float32Array)) {
    throw invalidType('a Float32Array', 'options.out', out);
  }
  if (out !== undefined && out.length < length) {
    throw invalidBuffer(`at least ${length} numbers`, 'options.out', out);
  }
  return {
    normalize: optionalBoolean(options.normalize, 'options.normalize', true),
    out,
    signal: optionalSignal(options.signal, 'options.signal'),
    onError: optionalOneOf(options.onError, 'options.onError', 'throw', ERROR_MODES),
  };
}
