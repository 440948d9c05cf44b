import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  nonEmptyString,
  optionalBoolean,
  optionalInteger,
  optionalOneOf,
  optionalSignal,
  optionalString,
  optionsBag,
} from './arguments';
import type { Manifest } from './bundle/manifest';
import { writeBundle } from './bundle/write';
import { withCallerStack } from './caller';
import { resolveModel } from './checkpoint/layouts';
import { readCheckpoint } from './checkpoint/read';
import { ENGINES, type EngineKind, OPERATORS_VERSION, openEngine } from './engine';
import { fromNative, loadNative } from './native';
import { packageVersion } from './package-version';

export const PRECISIONS = ['fp32', 'bf16', 'fp16'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** Where the one engine file of the vision tower lies in a bundle; Triton's layout. */
export const VISION_FILE = 'vision/1/model.pt';
export const DEFAULT_MAX_BATCH = 64;

export interface ConvertProgress {
  stage: 'read' | 'build' | 'write';
  /** 0 to 1 of the whole. */
  fraction: number;
}

export interface ConvertOptions {
  /** Folder to make. */
  out: string;
  engine?: EngineKind;
  /** Of the stored weights. Default bf16. */
  precision?: Precision;
  /** A config.json or open_clip-style file, for checkpoints that have none beside them. */
  config?: string;
  /** Stock aten operators alone: for Triton, or plain torch.jit.load. Default false. */
  portable?: boolean;
  /** Largest batch a user of the bundle may ask for. Default 64. */
  maxBatch?: number;
  /** Replace a bundle that is there, in one step. Default false. */
  force?: boolean;
  /** Folder that holds libtorch. */
  runtime?: string;
  signal?: AbortSignal;
  onProgress?: (progress: ConvertProgress) => void;
}

interface ResolvedConvertOptions {
  out: string;
  engine: EngineKind;
  precision: Precision;
  config: string | undefined;
  portable: boolean;
  maxBatch: number;
  force: boolean;
  runtime: string | undefined;
  signal: AbortSignal | undefined;
  onProgress: (progress: ConvertProgress) => void;
}

function resolveOptions(value: unknown): ResolvedConvertOptions {
  const options = optionsBag(value, 'options');
  return {
    out: nonEmptyString(options.out, 'options.out'),
    engine: optionalOneOf(options.engine, 'options.engine', 'torchscript', ENGINES),
    precision: optionalOneOf(options.precision, 'options.precision', 'bf16', PRECISIONS),
    config: optionalString(options.config, 'options.config'),
    portable: optionalBoolean(options.portable, 'options.portable', false),
    maxBatch: optionalInteger(options.maxBatch, 'options.maxBatch', DEFAULT_MAX_BATCH, [1, 1024]),
    force: optionalBoolean(options.force, 'options.force', false),
    runtime: optionalString(options.runtime, 'options.runtime'),
    signal: optionalSignal(options.signal, 'options.signal'),
    onProgress: (options.onProgress as ResolvedConvertOptions['onProgress']) ?? (() => {}),
  };
}

/** Makes an engine in `folder`, a bundle in the making, and says what it is. */
async function buildInto(
  folder: string,
  checkpoint: string,
  options: ResolvedConvertOptions,
): Promise<Omit<Manifest, 'files' | 'formatVersion'>> {
  const { precision, portable, config } = options;
  options.onProgress({ stage: 'read', fraction: 0 });
  const table = await readCheckpoint(checkpoint, config === undefined ? {} : { config });
  const model = resolveModel(table);
  const engine = await openEngine(options.engine, options.runtime);

  options.signal?.throwIfAborted();
  options.onProgress({ stage: 'build', fraction: 0.05 });
  const output = join(folder, VISION_FILE);
  await mkdir(dirname(output), { recursive: true });
  const { weights } = model;
  const { parameters } = await fromNative(
    engine.build({ config: model.config, weights, precision, portable, output }),
  );
  options.signal?.throwIfAborted();
  options.onProgress({ stage: 'write', fraction: 0.7 });
  return {
    model: model.config,
    preprocessing: model.preprocessing,
    engine: {
      kind: options.engine,
      flavour: portable ? 'portable' : 'native',
      version: engine.version,
      operators: portable ? 0 : OPERATORS_VERSION,
    },
    precision,
    batch: { max: options.maxBatch },
    computeCapabilities: [],
    parts: { vision: VISION_FILE },
    builtBy: { llm2clip: packageVersion(), platform: `${process.platform}-${process.arch}` },
    source: { layout: model.layout, format: table.format },
    parameters,
  };
}

/**
 * Makes an engine bundle from a checkpoint (safetensors, .pt or .bin; a file, or a folder that holds
 * it). Needs no Python, no ONNX and no GPU. The bundle appears whole or not at all.
 *
 * @throws TypeError, RangeError (ERR_INVALID_ARG); `signal.reason`
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_CHECKPOINT_*, ERR_BUNDLE_EXISTS, ERR_RUNTIME_MISSING,
 *   ERR_OUT_OF_MEMORY, ERR_IO
 * @example
 * await convert('LLM2CLIP-EVA02-L-14-336.pt', { out: 'eva02.bundle', precision: 'bf16' });
 */
export async function convert(checkpoint: string, options: ConvertOptions): Promise<Manifest> {
  const path = nonEmptyString(checkpoint, 'checkpoint');
  const resolved = resolveOptions(options);
  const { out, force, signal } = resolved;
  const exchange = loadNative().exchangeDirectories;
  const manifest = await withCallerStack(
    writeBundle(out, { force, exchange, signal }, (folder) => buildInto(folder, path, resolved)),
  );
  resolved.onProgress({ stage: 'write', fraction: 1 });
  return manifest;
}
