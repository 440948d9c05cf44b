// The models of the suite: bundles of one checkpoint in each precision, and the same weights as
// ONNX for the peers that read it. They are made once and kept in the user's cache.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convert, type Precision } from 'llm2clip';
import { DEFAULT_IMAGES } from '#lib/bench/images';
import { DEFAULT_ENGINE, type EngineKind } from '#lib/engines/index';
import { cacheFolder } from '#lib/runtime/cache';
import { syntheticCheckpoint } from '../test/support/checkpoints.mts';
import { CHECKPOINT as DIGITS } from '../test/support/digits.mts';

/** Bundles of one engine, by precision. */
export type Bundles = Record<string, string>;

/** The files that belong to one checkpoint. */
export interface Models {
  checkpoint: string;
  bundles: Bundles;
  /** Null if there is no Python for the export. */
  onnx: string | null;
  onnxInt8: string | null;
}

/** The Python that bench/peers/setup installs. */
export const PEERS_PYTHON = join(cacheFolder(), 'bench-peers/bin/python');

/** The full-size synthetic EVA02-L/14@336, the tiny trained model, or the user's own file. */
export function checkpointOf(name: string): Promise<string> | string {
  if (name === 'digits') return DIGITS;
  if (name !== 'eva02-L-14-336') return name;
  return syntheticCheckpoint({
    preset: name,
    layout: 'official',
    format: 'torch',
    dtype: 'f32',
    seed: 1,
  });
}

/** Runs a script of bench/peers that writes `file`, unless the file exists. */
async function made(file: string, python: string, script: string, input: string) {
  if (existsSync(file)) return file;
  if (!existsSync(python)) return null;
  const path = fileURLToPath(new URL(`./peers/${script}`, import.meta.url));
  const temporary = join(dirname(file), `making-${process.pid}`);
  await mkdir(temporary, { recursive: true });
  try {
    execFileSync(python, [path, input, join(temporary, basename(file))], { stdio: 'inherit' });
    await rename(join(temporary, basename(file)), file);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return file;
}

/** Makes bundles of a checkpoint (its name, as in checkpointOf) in each of these precisions. */
export async function prepareBundles(
  name: string,
  precisions: readonly Precision[],
  engine: EngineKind,
): Promise<Bundles> {
  const checkpoint = await checkpointOf(name);
  const folder = join(cacheFolder(), 'bench', basename(name));
  await mkdir(folder, { recursive: true });
  const bundles: Bundles = {};
  for (const precision of precisions) {
    const out = join(folder, `${engine}-${precision}.bundle`);
    const calibrate = precision === 'int8' ? { calibrate: DEFAULT_IMAGES } : {};
    await convert(checkpoint, { out, engine, precision, force: true, ...calibrate });
    bundles[precision] = out;
  }
  return bundles;
}

export async function prepareModels(
  name: string,
  precisions: readonly Precision[],
  python: string,
  engine: EngineKind = DEFAULT_ENGINE,
): Promise<Models> {
  const bundles = await prepareBundles(name, precisions, engine);
  const checkpoint = await checkpointOf(name);
  const folder = join(cacheFolder(), 'bench', basename(name));
  const onnx = await made(join(folder, 'model.onnx'), python, 'export-onnx.py', checkpoint);
  const onnxInt8 =
    onnx && (await made(join(folder, 'model-int8.onnx'), python, 'quantize-onnx.py', onnx));
  return { checkpoint, bundles, onnx, onnxInt8 };
}
