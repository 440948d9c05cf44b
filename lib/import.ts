import { copyFile, mkdir, stat } from 'node:fs/promises';
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
import { type BundleContent, writeBundle } from './bundle/write';
import { withCallerStack } from './caller';
import { FAMILIES, type Family } from './config';
import { VISION_FILE } from './convert';
import { DEFAULT_MAX_BATCH } from './convert-options';
import { openEngine } from './engine';
import { LLM2CLIPError } from './errors';
import { fromNative, loadNative } from './native';
import { packageVersion } from './package-version';
import { CLIP_MEAN, CLIP_STD } from './preprocessing';

export interface ImportOptions {
  /** Folder to make. */
  out: string;
  family: Family;
  /** Edge of the square the engine takes, in pixels. */
  imageSize: number;
  /** Largest batch a user of the bundle may ask for. Default 64. */
  maxBatch?: number;
  /** Replace a bundle that is there, in one step. Default false. */
  force?: boolean;
  /** Folder that holds libtorch. */
  runtime?: string;
  signal?: AbortSignal;
}

async function requireFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new LLM2CLIPError('ERR_NOT_FOUND', `no file at ${path}`);
  if (!found.isFile()) throw new LLM2CLIPError('ERR_IO', `expected a file at ${path}`);
}

type ResolvedImport = ReturnType<typeof resolveOptions>;

function resolveOptions(value: unknown) {
  const given = optionsBag(value, 'options');
  const { imageSize, maxBatch } = given;
  return {
    out: nonEmptyString(given.out, 'options.out'),
    family: optionalOneOf(given.family ?? '', 'options.family', 'eva02', FAMILIES),
    imageSize: optionalInteger(imageSize ?? 0, 'options.imageSize', 0, [1, 4096]),
    maxBatch: optionalInteger(maxBatch, 'options.maxBatch', DEFAULT_MAX_BATCH, [1, 1024]),
    force: optionalBoolean(given.force, 'options.force', false),
    runtime: optionalString(given.runtime, 'options.runtime'),
    signal: optionalSignal(given.signal, 'options.signal'),
  };
}

/** Copies the engine into the bundle's folder and runs a blank picture through it. */
async function wrap(folder: string, file: string, options: ResolvedImport): Promise<BundleContent> {
  const { family, imageSize, maxBatch, runtime, signal } = options;
  const engine = await openEngine('torchscript', runtime);
  signal?.throwIfAborted();
  const copy = join(folder, VISION_FILE);
  await mkdir(dirname(copy), { recursive: true });
  await copyFile(file, copy);
  const { embeddingDim } = await fromNative(engine.inspect(copy, imageSize));
  return {
    model: { family, imageSize, embeddingDim },
    preprocessing: { size: imageSize, resample: 'bicubic', mean: CLIP_MEAN, std: CLIP_STD },
    engine: { kind: 'torchscript', flavour: 'imported', version: engine.version, operators: 0 },
    precision: 'fp32',
    batch: { max: maxBatch },
    computeCapabilities: [],
    parts: { vision: VISION_FILE },
    builtBy: { llm2clip: packageVersion(), platform: `${process.platform}-${process.arch}` },
    source: null,
    parameters: 0,
  };
}

/**
 * Wraps a TorchScript file made elsewhere as a bundle, after running one blank picture through it:
 * pixel_values float32 [B, 3, S, S] in, one embedding [B, E] out. The file is executable content:
 * import only what you trust.
 *
 * @throws TypeError, RangeError (ERR_INVALID_ARG)
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_ENGINE_INCOMPATIBLE, ERR_BUNDLE_EXISTS,
 *   ERR_RUNTIME_MISSING, ERR_IO; `signal.reason`
 * @example
 * await importEngine('model.pt', { out: 'mine.bundle', family: 'eva02', imageSize: 336 });
 */
export async function importEngine(file: string, options: ImportOptions): Promise<Manifest> {
  const path = nonEmptyString(file, 'file');
  const resolved = resolveOptions(options);
  const { out, force, signal } = resolved;
  await withCallerStack(requireFile(path));
  const exchange = loadNative().exchangeDirectories;
  return withCallerStack(
    writeBundle(out, { force, exchange, signal }, (folder) => wrap(folder, path, resolved)),
  );
}
