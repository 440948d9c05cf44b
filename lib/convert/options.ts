import {
  invalidRange,
  invalidType,
  nonEmptyString,
  optionalBoolean,
  optionalFunction,
  optionalInteger,
  optionalOneOf,
  optionalSignal,
  optionalString,
  optionNames,
  optionsBag,
} from '../arguments';
import { DEFAULT_ENGINE, ENGINE_KINDS, type EngineKind, engineOf, kindsThat } from '../engines';
import { capabilityNumber, isCapability } from '../engines/compute-capability';
import { wantedParts } from '../options';
import type { Part } from '../parts';
import { PRECISIONS, type Precision } from '../precision';

export const DEFAULT_MAX_BATCH = 64;

export interface ConvertProgress {
  /** int8's alone is `calibrate`, which goes on after `build` where all layers in int8 fail. */
  stage: 'read' | 'calibrate' | 'build' | 'write';
  /** What is being built. */
  part?: Part;
  /** 0 to 1 of the whole. */
  fraction: number;
}

export interface ConvertOptions {
  /** Folder to make. */
  out: string;
  engine?: EngineKind;
  /**
   * Of the stored weights, and of TensorRT's arithmetic. Default bf16, for TensorRT fp16. int8 needs
   * `calibrate`, and engine torchscript.
   */
  precision?: Precision;
  /**
   * Pictures like those to be encoded, for int8 alone: files and folders, of which 32, evenly spread,
   * decide which layers stay in bf16. Where not all can be in int8, each is tried alone, which takes
   * some minutes with L/14. Below a cosine of 0.995 to fp32 on any of them the conversion is refused.
   */
  calibrate?: string | readonly string[];
  /**
   * Folder of the language model that reads texts: config.json, safetensors and tokenizer.json as
   * published. It is kept in `precision`; beside a vision tower in int8, in bf16.
   */
  llm?: string;
  /** Folder of a LoRA as PEFT writes it, which is merged into the language model. */
  lora?: string;
  /** What to make, e.g. ['vision']. Default: all that the checkpoint holds, and `llm`. */
  parts?: readonly Part[];
  /** A config.json or open_clip-style file, for checkpoints that have none beside them. */
  config?: string;
  /**
   * Key of the weights in a torch file that holds those of several models, e.g. 'model_ema'. Default: the
   * first of the keys that training scripts use, weights before averages of them.
   */
  stateDict?: string;
  /**
   * Stock aten operators alone: for Triton, or plain torch.jit.load. Default false; not for int8, nor
   * for TensorRT.
   */
  portable?: boolean;
  /** Largest batch a user of the bundle may ask for. Default 64. */
  maxBatch?: number;
  /**
   * GPUs that engine tensorrt-rtx builds for, e.g. ['8.9', '12.0'], none of which need be there;
   * 'current' for this machine's. Default 8.6, 8.9 and 12.0: GeForce RTX of the series 30, 40 and 50.
   */
  computeCapabilities?: 'current' | readonly string[];
  /**
   * Replace a bundle that is there, in one step; of int8, take the best engine found where none is
   * near enough to fp32. Default false.
   */
  force?: boolean;
  /** Folder that holds libtorch or TensorRT. */
  runtime?: string;
  signal?: AbortSignal;
  onProgress?: (progress: ConvertProgress) => void;
}

const CONVERT_OPTIONS = optionNames<ConvertOptions>({
  out: true,
  engine: true,
  precision: true,
  calibrate: true,
  llm: true,
  lora: true,
  parts: true,
  config: true,
  stateDict: true,
  portable: true,
  maxBatch: true,
  computeCapabilities: true,
  force: true,
  runtime: true,
  signal: true,
  onProgress: true,
});

export interface ResolvedConvertOptions {
  out: string;
  engine: EngineKind;
  precision: Precision;
  /** There for int8, and for nothing else. */
  calibrate: readonly string[] | undefined;
  llm: string | undefined;
  lora: string | undefined;
  parts: readonly Part[] | undefined;
  config: string | undefined;
  stateDict: string | undefined;
  portable: boolean;
  maxBatch: number;
  /** 89 for 8.9; none: this machine's, or the CPU. */
  computeCapabilities: readonly number[];
  force: boolean;
  runtime: string | undefined;
  signal: AbortSignal | undefined;
  onProgress: (progress: ConvertProgress) => void;
}

function calibrationPlaces(value: unknown, precision: Precision): string[] | undefined {
  const name = 'options.calibrate';
  if (precision !== 'int8') {
    if (value === undefined) return undefined;
    throw invalidRange(
      `nothing with precision ${precision}, as only int8 is calibrated,`,
      name,
      value,
    );
  }
  if (value === undefined) {
    const expected = 'files or folders of pictures, which int8 needs (--calibrate FOLDER),';
    throw invalidType(expected, name, value);
  }
  const places: unknown[] = Array.isArray(value) ? value : [value];
  if (places.length === 0) throw invalidRange('at least one file or folder', name, value);
  return places.map((place) => nonEmptyString(place, name));
}

/** Undefined: whatever there is. */
function partsToMake(value: unknown, llm: string | undefined): Part[] | undefined {
  const parts = wantedParts(value);
  if (llm === undefined || parts === undefined || parts.includes('llm')) return parts;
  throw invalidRange("'llm' among them with options.llm", 'options.parts', value);
}

function computeCapabilities(value: unknown, engine: EngineKind): readonly number[] {
  const name = 'options.computeCapabilities';
  const { buildsFor } = engineOf(engine);
  if ('reason' in buildsFor) {
    if (value === undefined) return [];
    throw invalidRange(`nothing with engine ${engine}, ${buildsFor.reason},`, name, value);
  }
  if (value === undefined) return buildsFor;
  if (value === 'current') return [];
  const wanted: unknown[] = Array.isArray(value) ? value : [];
  const fits = wanted.every((each) => typeof each === 'string' && isCapability(each));
  if (!fits || wanted.length === 0) {
    throw invalidRange("'current' or compute capabilities such as ['8.9', '12.0']", name, value);
  }
  return [...new Set(wanted as string[])].map(capabilityNumber);
}

/** @throws RangeError (ERR_INVALID_ARG) for what this engine does not do */
function requireOffered(kind: EngineKind, precision: Precision, portable: boolean): void {
  const engine = engineOf(kind);
  if (!engine.precisions.includes(precision)) {
    const offered = new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(engine.precisions);
    const others = kindsThat(({ precisions }) => precisions.includes(precision));
    throw invalidRange(
      `${offered} with engine ${kind}, as only ${others.join(' and ')} has ${precision},`,
      'options.precision',
      precision,
    );
  }
  if (portable && !engine.portable) {
    throw invalidRange(`false with engine ${kind}`, 'options.portable', portable);
  }
}

/** Parts are built one after the other, and calibration, of one of them, knows only the whole. */
function neverBack(
  tell: ConvertOptions['onProgress'] = () => {},
): (progress: ConvertProgress) => void {
  let furthest = 0;
  return (progress) => {
    furthest = Math.max(furthest, progress.fraction);
    tell({ ...progress, fraction: furthest });
  };
}

/** @throws TypeError, RangeError (ERR_INVALID_ARG) */
export function resolveConvertOptions(value: unknown): ResolvedConvertOptions {
  const options = optionsBag(value, 'options', CONVERT_OPTIONS);
  const engine = optionalOneOf(options.engine, 'options.engine', DEFAULT_ENGINE, ENGINE_KINDS);
  const [usual] = engineOf(engine).precisions;
  const precision = optionalOneOf(options.precision, 'options.precision', usual, PRECISIONS);
  const portable = optionalBoolean(options.portable, 'options.portable', false);
  requireOffered(engine, precision, portable);
  if (portable && precision === 'int8') {
    const expected = "false with precision int8, which needs this project's own operators,";
    throw invalidRange(expected, 'options.portable', portable);
  }
  const llm = optionalString(options.llm, 'options.llm');
  return {
    out: nonEmptyString(options.out, 'options.out'),
    engine,
    precision,
    calibrate: calibrationPlaces(options.calibrate, precision),
    llm,
    lora: optionalString(options.lora, 'options.lora'),
    parts: partsToMake(options.parts, llm),
    config: optionalString(options.config, 'options.config'),
    stateDict: optionalString(options.stateDict, 'options.stateDict'),
    portable,
    maxBatch: optionalInteger(options.maxBatch, 'options.maxBatch', DEFAULT_MAX_BATCH, [1, 1024]),
    computeCapabilities: computeCapabilities(options.computeCapabilities, engine),
    force: optionalBoolean(options.force, 'options.force', false),
    runtime: optionalString(options.runtime, 'options.runtime'),
    signal: optionalSignal(options.signal, 'options.signal'),
    onProgress: neverBack(optionalFunction(options.onProgress, 'options.onProgress')),
  };
}
