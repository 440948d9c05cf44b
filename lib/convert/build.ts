// Builds the engine file of each part.
import { join } from 'node:path';
import type { Manifest } from '../bundle/manifest';
import type { ResolvedModel } from '../checkpoint/layouts';
import { engineFile, engineOf, observingEngine } from '../engines';
import { capabilityText } from '../engines/compute-capability';
import { makeFolderOf } from '../files/staging';
import { sampleImages } from '../image/images';
import { type BuildSpec, fromNative, type NativeEngine } from '../native';
import type { Part } from '../parts';
import type { Precision } from '../precision';
import { MAX_TOKENS } from '../text/tokenize';
import { buildCalibrated } from './calibration';
import { copyTokenizer, withLora } from './llm';
import type { ResolvedConvertOptions } from './options';
import type { Plan } from './plan';

/** Largest number of images that int8 is calibrated on. */
const CALIBRATION_IMAGES = 32;

/** The fields of the manifest that describe one engine file. */
export type Built = Pick<Manifest, 'parameters' | 'quantisation' | 'computeCapabilities'>;
type Tower = Pick<BuildSpec, 'config' | 'weights'>;

/**
 * Returns the precision of the text side. int8 would need a calibration on texts, which does not
 * exist; without one it is not accurate enough, so that the text side stays in bf16.
 */
export function textPrecision(precision: Precision): Precision {
  return precision === 'int8' ? 'bf16' : precision;
}

function build(
  engine: NativeEngine,
  tower: Tower,
  precision: Precision,
  output: string,
  options: ResolvedConvertOptions,
) {
  const { portable, maxBatch, computeCapabilities } = options;
  const cache = engineOf(options.engine).buildCache(options.out);
  const target = { maxBatch, computeCapabilities: [...computeCapabilities], cache };
  const plain = { observe: false, quantisation: [] };
  return fromNative(engine.build({ ...tower, precision, portable, output, ...plain, ...target }));
}

/** Writes the vision tower's engine. Returns what the manifest records about it. */
async function buildVision(
  engine: NativeEngine,
  { config, weights, preprocessing }: ResolvedModel,
  output: string,
  options: ResolvedConvertOptions,
): Promise<Built> {
  const { precision, calibrate, force, signal, onProgress } = options;
  if (calibrate !== undefined) {
    const pixels = await sampleImages(calibrate, CALIBRATION_IMAGES, preprocessing, signal);
    const observer = observingEngine();
    const spec = { engine, observer, config, weights, output, pixels, force, signal, onProgress };
    return { ...(await buildCalibrated(spec)), computeCapabilities: [] };
  }
  const report = await build(engine, { config, weights }, precision, output, options);
  const { parameters, computeCapabilities } = report;
  return { parameters, computeCapabilities: computeCapabilities.map(capabilityText) };
}

/**
 * Writes the engine of one part into `folder`. Returns undefined if the checkpoint does not hold
 * the part.
 */
export async function buildPart(
  part: Part,
  engine: NativeEngine,
  { contents, llmFolder }: Plan,
  folder: string,
  options: ResolvedConvertOptions,
): Promise<Built | undefined> {
  const { vision, adapter, llm } = contents;
  const file = engineFile(part, options.engine);
  const output = join(folder, file);
  const precision = textPrecision(options.precision);
  const text = async (tower: Tower): Promise<Built> => {
    const report = await build(engine, tower, precision, output, options);
    return { ...report, computeCapabilities: report.computeCapabilities.map(capabilityText) };
  };
  await makeFolderOf(folder, file);
  if (part === 'vision') return vision && buildVision(engine, vision, output, options);
  if (part === 'adapter') {
    return adapter && text({ ...adapter, config: { family: 'adapter', ...adapter.config } });
  }
  if (llm === undefined || llmFolder === undefined) return undefined;
  await copyTokenizer(llmFolder, llm, folder);
  const { lora, signal } = options;
  const staging = { staging: folder, precision, ...(signal && { signal }) };
  return withLora(llm, lora, staging, ({ weights, config }) =>
    text({ weights, config: { family: 'llama', maxTokens: MAX_TOKENS, ...config } }),
  );
}
