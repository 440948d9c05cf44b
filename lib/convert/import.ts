import { copyFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  nonEmptyString,
  optionalBoolean,
  optionalInteger,
  optionalOneOf,
  optionalSignal,
  optionalString,
  optionNames,
  optionsBag,
} from '../arguments';
import { withCallerStack } from '../async/caller';
import type { Manifest } from '../bundle/manifest';
import { type BundleContent, writeBundle } from '../bundle/write';
import { FAMILIES, type Family } from '../checkpoint/layouts/families';
import {
  ENGINE_KINDS,
  type EngineKind,
  engineFile,
  engineOf,
  kindOfFile,
  openEngine,
} from '../engines';
import { LLM2CLIPError } from '../errors';
import { makeFolderOf } from '../files/staging';
import { CLIP_MEAN, CLIP_STD } from '../image/preprocessing';
import { fromNative, loadNative, type NativeEngine } from '../native';
import { packageVersion } from '../package-version';
import { type BundlePrecision, PRECISIONS, type Precision } from '../precision';
import { DEFAULT_MAX_BATCH } from './options';

/** Options of `importEngine`. */
export interface ImportOptions {
  /** The folder to create. */
  out: string;
  /** The engine that made the file. Default: tensorrt for a file named *.plan, else torchscript. */
  engine?: EngineKind;
  /**
   * Size E of the embeddings. Only needed for a TensorRT plan on a machine without a GPU, where the
   * plan cannot be opened.
   */
  embeddingDim?: number;
  /**
   * The precision of the matrix products. Only needed for a TensorRT plan, which does not show it.
   * Default: for TorchScript, the precision that a run shows; for a plan, 'unknown', which the
   * benchmark compares as if it were fp32.
   */
  precision?: Precision;
  family: Family;
  /** Width and height of the images that the engine takes, in pixels. */
  imageSize: number;
  /** Largest batch that users of the bundle may ask for. Default 64. */
  maxBatch?: number;
  /** Replace an existing bundle, in one step. Default false. */
  force?: boolean;
  /** Folder of libtorch or TensorRT. Default: the places that `llm2clip runtime info` lists. */
  runtime?: string;
  signal?: AbortSignal;
}

const IMPORT_OPTIONS = optionNames<ImportOptions>({
  out: true,
  engine: true,
  embeddingDim: true,
  precision: true,
  family: true,
  imageSize: true,
  maxBatch: true,
  force: true,
  runtime: true,
  signal: true,
});

async function requireFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new LLM2CLIPError('ERR_NOT_FOUND', `no file at ${path}`);
  if (!found.isFile()) throw new LLM2CLIPError('ERR_IO', `expected a file at ${path}`);
}

type ResolvedImport = ReturnType<typeof resolveOptions>;

function resolveOptions(value: unknown, file: string) {
  const given = optionsBag(value, 'options', IMPORT_OPTIONS);
  const { imageSize, maxBatch, embeddingDim } = given;
  return {
    engine: optionalOneOf(given.engine, 'options.engine', kindOfFile(file), ENGINE_KINDS),
    embeddingDim: optionalInteger(embeddingDim, 'options.embeddingDim', 0, [1, 65_536]),
    precision:
      given.precision === undefined
        ? undefined
        : optionalOneOf(given.precision, 'options.precision', 'fp32', PRECISIONS),
    out: nonEmptyString(given.out, 'options.out'),
    family: optionalOneOf(given.family ?? '', 'options.family', 'eva02', FAMILIES),
    imageSize: optionalInteger(imageSize ?? 0, 'options.imageSize', 0, [1, 4096]),
    maxBatch: optionalInteger(maxBatch, 'options.maxBatch', DEFAULT_MAX_BATCH, [1, 1024]),
    force: optionalBoolean(given.force, 'options.force', false),
    runtime: optionalString(given.runtime, 'options.runtime'),
    signal: optionalSignal(given.signal, 'options.signal'),
  };
}

/** What is known about the engine file. */
interface Shown {
  embeddingDim: number;
  precision: BundlePrecision;
}

function differs(expected: string, found: string): LLM2CLIPError {
  return new LLM2CLIPError('ERR_ENGINE_INCOMPATIBLE', `expected ${expected}, found ${found}`);
}

/**
 * Inspects the file. If a plan cannot be opened because there is no GPU, it returns what the caller
 * stated.
 */
async function inspect(
  engine: NativeEngine,
  file: string,
  { engine: kind, imageSize, embeddingDim: said, precision: saidPrecision }: ResolvedImport,
): Promise<Shown> {
  const { inspectedOn } = engineOf(kind);
  try {
    const found = await fromNative(engine.inspect(file, imageSize, inspectedOn));
    const { embeddingDim } = found;
    if (said !== 0 && said !== embeddingDim) {
      throw differs(`embeddings of ${said} numbers`, String(embeddingDim));
    }
    const precision = found.precision || (saidPrecision ?? 'unknown');
    if (saidPrecision !== undefined && saidPrecision !== precision) {
      throw differs(`an engine that computes in ${saidPrecision}`, `one in ${precision}`);
    }
    return { embeddingDim, precision };
  } catch (error) {
    const { code, message } = error as LLM2CLIPError;
    if (code !== 'ERR_DEVICE_UNAVAILABLE') throw error;
    if (said !== 0) return { embeddingDim: said, precision: saidPrecision ?? 'unknown' };
    const remedy = 'import it on a machine with a GPU, or say what it gives with --embedding-dim';
    throw new LLM2CLIPError(code, `${message}; ${remedy}`, { cause: error });
  }
}

/** Copies the engine into the bundle's folder and inspects its inputs and outputs. */
async function wrap(folder: string, file: string, options: ResolvedImport): Promise<BundleContent> {
  const { engine: kind, family, imageSize, maxBatch, runtime, signal } = options;
  const engine = await openEngine(kind, runtime);
  signal?.throwIfAborted();
  const vision = engineFile('vision', kind);
  const copy = join(folder, vision);
  await makeFolderOf(folder, vision);
  await copyFile(file, copy);
  const { embeddingDim, precision } = await inspect(engine, copy, options);
  return {
    model: { family, imageSize, embeddingDim },
    preprocessing: { size: imageSize, resample: 'bicubic', mean: CLIP_MEAN, std: CLIP_STD },
    engine: { kind, flavour: 'imported', version: engine.version, operators: 0 },
    precision,
    batch: { max: maxBatch },
    computeCapabilities: [],
    parts: { vision },
    builtBy: { llm2clip: packageVersion(), platform: `${process.platform}-${process.arch}` },
    source: null,
    parameters: 0,
  };
}

/**
 * Makes a bundle from a TorchScript file or a TensorRT plan that was made elsewhere. The engine
 * must take pixel_values, float32 [B, 3, S, S], and return one embedding, [B, E]. A TorchScript
 * file is checked by running a blank image. A plan is checked by opening it on a GPU; on a machine
 * without one, your options are trusted. The file is executable content: import only files that you
 * trust.
 *
 * @throws TypeError, RangeError (ERR_INVALID_ARG)
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_ENGINE_INCOMPATIBLE, ERR_BUNDLE_EXISTS,
 *   ERR_RUNTIME_MISSING, ERR_DEVICE_UNAVAILABLE, ERR_IO; `signal.reason`
 * @example
 * await importEngine('model.pt', { out: 'mine.bundle', family: 'eva02', imageSize: 336 });
 */
export async function importEngine(file: string, options: ImportOptions): Promise<Manifest> {
  const path = nonEmptyString(file, 'file');
  const resolved = resolveOptions(options, path);
  const { out, force, signal } = resolved;
  await withCallerStack(requireFile(path));
  const exchange = loadNative().exchangeDirectories;
  return withCallerStack(
    writeBundle(out, { force, exchange, signal }, (folder) => wrap(folder, path, resolved)),
  );
}
