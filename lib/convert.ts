import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { nonEmptyString } from './arguments';
import type { Manifest } from './bundle/manifest';
import { type BundleContent, writeBundle } from './bundle/write';
import { buildCalibrated } from './calibration';
import { withCallerStack } from './caller';
import { type ResolvedModel, resolveModel } from './checkpoint/layouts';
import { readCheckpoint } from './checkpoint/read';
import { capabilityText } from './compute-capability';
import {
  type ConvertOptions,
  type ResolvedConvertOptions,
  resolveConvertOptions,
} from './convert-options';
import { OPERATORS_VERSION, openEngine, visionFile } from './engine';
import { fromNative, loadNative, type NativeEngine } from './native';
import { packageVersion } from './package-version';
import { samplePictures } from './pictures';

/** Pictures that int8 is calibrated on, at most. */
const CALIBRATION_PICTURES = 32;

/** Writes the engine file, and says of it what the manifest records. */
async function buildEngine(
  engine: NativeEngine,
  { config, weights, preprocessing }: ResolvedModel,
  output: string,
  options: ResolvedConvertOptions,
): Promise<Pick<Manifest, 'parameters' | 'quantisation' | 'computeCapabilities'>> {
  const { precision, portable, calibrate, force, signal, onProgress } = options;
  if (calibrate !== undefined) {
    const pixels = await samplePictures(calibrate, CALIBRATION_PICTURES, preprocessing, signal);
    const spec = { engine, config, weights, output, pixels, force, signal, onProgress };
    return { ...(await buildCalibrated(spec)), computeCapabilities: [] };
  }
  onProgress({ stage: 'build', fraction: 0.05 });
  const target = {
    maxBatch: options.maxBatch,
    computeCapabilities: [...options.computeCapabilities],
    cache: options.engine === 'tensorrt' ? `${resolve(options.out)}.timing-cache` : '',
  };
  const plain = { observe: false, quantisation: [] };
  const spec = { config, weights, precision, portable, output, ...plain, ...target };
  const { parameters, computeCapabilities } = await fromNative(engine.build(spec));
  return { parameters, computeCapabilities: computeCapabilities.map(capabilityText) };
}

/** Makes an engine in `folder`, a bundle in the making, and says what it is. */
async function buildInto(
  folder: string,
  checkpoint: string,
  options: ResolvedConvertOptions,
): Promise<BundleContent> {
  const { precision, portable, config } = options;
  options.onProgress({ stage: 'read', fraction: 0 });
  const table = await readCheckpoint(checkpoint, config === undefined ? {} : { config });
  const model = resolveModel(table);
  const engine = await openEngine(options.engine, options.runtime);

  options.signal?.throwIfAborted();
  const vision = visionFile(options.engine);
  const output = join(folder, vision);
  await mkdir(dirname(output), { recursive: true });
  const built = await buildEngine(engine, model, output, options);
  options.signal?.throwIfAborted();
  options.onProgress({ stage: 'write', fraction: 0.7 });
  return {
    model: model.config,
    preprocessing: model.preprocessing,
    engine: {
      kind: options.engine,
      flavour: portable ? 'portable' : 'native',
      version: engine.version,
      operators: portable || options.engine !== 'torchscript' ? 0 : OPERATORS_VERSION,
    },
    precision,
    batch: { max: options.maxBatch },
    parts: { vision },
    builtBy: { llm2clip: packageVersion(), platform: `${process.platform}-${process.arch}` },
    source: { layout: model.layout, format: table.format },
    ...built,
  };
}

/**
 * Makes an engine bundle from a checkpoint (safetensors, .pt or .bin; a file, or a folder that holds
 * it). Needs no Python, no ONNX and no GPU. The bundle appears whole or not at all.
 *
 * @throws TypeError, RangeError (ERR_INVALID_ARG); `signal.reason`
 * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_CHECKPOINT_*, ERR_BUNDLE_EXISTS, ERR_RUNTIME_MISSING,
 *   ERR_PARITY, ERR_OUT_OF_MEMORY, ERR_IO
 * @example
 * await convert('LLM2CLIP-EVA02-L-14-336.pt', { out: 'eva02.bundle', precision: 'bf16' });
 * await convert('LLM2CLIP-EVA02-L-14-336.pt', { out: 'rtx.bundle', engine: 'tensorrt-rtx' });
 * await convert('LLM2CLIP-EVA02-L-14-336.pt', { out: 'int8.bundle', precision: 'int8', calibrate: 'pictures' });
 */
export async function convert(checkpoint: string, options: ConvertOptions): Promise<Manifest> {
  const path = nonEmptyString(checkpoint, 'checkpoint');
  const resolved = resolveConvertOptions(options);
  const { out, force, signal } = resolved;
  const exchange = loadNative().exchangeDirectories;
  const manifest = await withCallerStack(
    writeBundle(out, { force, exchange, signal }, (folder) => buildInto(folder, path, resolved)),
  );
  resolved.onProgress({ stage: 'write', fraction: 1 });
  return manifest;
}
