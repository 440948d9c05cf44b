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

/** What `convert` reports while it works. */
export interface ConvertProgress {
  /**
   * Only int8 has the stage `calibrate`. It comes again after `build` if all layers in int8 miss
   * the gate.
   */
  stage: 'read' | 'calibrate' | 'build' | 'write';
  /** The part that is being built. */
  part?: Part;
  /** The fraction of the whole conversion that is done, from 0 to 1. */
  fraction: number;
}

/** Options of `convert`. */
export interface ConvertOptions {
  /** The folder to create. */
  out: string;
  engine?: EngineKind;
  /**
   * The precision of the stored weights and, for TensorRT, of the arithmetic. Default: bf16 for
   * torchscript, fp16 for TensorRT. int8 needs `calibrate` and the engine torchscript.
   */
  precision?: Precision;
  /**
   * Files and folders of images that int8 is calibrated on; only for int8. Choose images like those
   * that you will encode. 32 of them, evenly spread, decide which layers stay in bf16. If all
   * layers in int8 miss the gate, each layer is tried alone, which takes some minutes with L/14.
   * The conversion fails with ERR_PARITY if the cosine to fp32 is below 0.995 for any of these
   * images.
   */
  calibrate?: string | readonly string[];
  /**
   * Folder of the language model that reads texts: config.json, safetensors and tokenizer.json, as
   * published. It is stored in `precision`, or in bf16 if that is int8.
   */
  llm?: string;
  /** Folder of a LoRA in PEFT format, which is merged into the language model. */
  lora?: string;
  /**
   * The parts to convert, e.g. ['vision']. Default: all parts that the checkpoint holds, and `llm`.
   */
  parts?: readonly Part[];
  /** A config.json or open_clip-style file, for a checkpoint without one beside it. */
  config?: string;
  /**
   * Key of the weights, e.g. 'model_ema', in a torch file that holds several state dicts. Default:
   * the first of the keys that training scripts use. Weights come before averaged weights.
   */
  stateDict?: string;
  /**
   * Write a TorchScript file with stock aten operators only, for Triton or plain torch.jit.load.
   * Default false. Not for int8 and not for TensorRT.
   */
  portable?: boolean;
  /** Largest batch that users of the bundle may ask for. Default 64. */
  maxBatch?: number;
  /**
   * Compute capabilities of the GPUs that the engine tensorrt-rtx builds for, e.g. ['8.9', '12.0'].
   * The GPUs need not be in this machine. 'current' builds for this machine's GPU. Default: 8.6,
   * 8.9 and 12.0, which are the series 30, 40 and 50 of GeForce RTX.
   */
  computeCapabilities?: 'current' | readonly string[];
  /**
   * Replace an existing bundle, in one step. For int8, also accept the best engine found if none
   * meets the gate. Default false.
   */
  force?: boolean;
  /** Folder of libtorch or TensorRT. Default: the places that `llm2clip runtime info` lists. */
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
  /** Set for int8 only. */
  calibrate: readonly string[] | undefined;
  llm: string | undefined;
  lora: string | undefined;
  parts: readonly Part[] | undefined;
  config: string | undefined;
  stateDict: string | undefined;
  portable: boolean;
  maxBatch: number;
  /** 89 for 8.9. Empty: this machine's GPU, or the CPU. */
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
    const expected = 'files or folders of images, which int8 needs (--calibrate FOLDER),';
    throw invalidType(expected, name, value);
  }
  const places: unknown[] = Array.isArray(value) ? value : [value];
  if (places.length === 0) throw invalidRange('at least one file or folder', name, value);
  return places.map((place) => nonEmptyString(place, name));
}

/** Undefined: all parts that are found. */
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

/** @throws RangeError (ERR_INVALID_ARG) if the engine does not offer the combination */
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

/**
 * Makes a progress callback whose fractions never decrease. Calibration reports fractions of the
 * whole conversion although it belongs to one part, so that the raw values may go back.
 */
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
