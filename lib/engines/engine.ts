// What the rest of lib needs to know about a kind of engine. Each kind is one object in a file of
// its own and is listed in index.ts. No other file names a kind.
import type { NativeEngine } from '../native';
import type { Part } from '../parts';
import type { BundlePrecision, Precision } from '../precision';
import type { DeviceChoice } from './device';

/**
 * `native` uses this project's own operators, `portable` only the vendor's. `imported` was made
 * elsewhere.
 */
export const FLAVOURS = ['native', 'portable', 'imported'] as const;
export type Flavour = (typeof FLAVOURS)[number];

/** What a manifest records about the engine that made a bundle's files, in addition to its kind. */
export interface EngineRecord {
  flavour: Flavour;
  /** Version of the vendor's library that built it. */
  version: string;
  /**
   * Version of this project's own operators in the file, or 0 if it has none, as in TensorRT
   * engines.
   */
  operators: number;
}

/** The parts to load and the device that the caller asked for. */
export interface DeviceRequest {
  /** 'auto', 'cpu', 'cuda' or 'cuda:N'. */
  wanted: string;
  parts: readonly Part[];
  /** Precision of the bundle's weights. */
  precision: BundlePrecision;
  /** Folder of the vendor's libraries. Undefined: lib/runtime searches for them. */
  runtime: string | undefined;
}

/** Describes the files of an engine for Triton Inference Server. */
export interface TritonNames {
  platform: string;
  /** Returns Triton's name of the i-th input, whose name in the file is `name`. */
  input(name: string, i: number): string;
  output: string;
  /** Whether a language model takes a batch as rows of one length, which Triton can form. */
  textsInRows: boolean;
  /** Comment lines for the reader of config.pbtxt, or '' for none. */
  remark: string;
}

export interface Engine {
  /** Name of the engine in options and manifests. */
  readonly kind: string;
  /**
   * The engine's library beside the addon is `llm2clip_<plugin>.so`. Undefined if the addon
   * contains the engine.
   */
  readonly plugin: string | undefined;
  /** Name of each part's engine file. Each part has a folder of its own. */
  readonly fileName: string;
  /**
   * Files made elsewhere are taken for this engine's if their names end with this. Undefined: none.
   */
  readonly importedSuffix: string | undefined;
  /** Device on which `importEngine` opens a file to inspect its inputs and outputs. */
  readonly inspectedOn: 'cpu' | 'cuda';
  /** Precisions that `convert` can store weights in. The first one is the default. */
  readonly precisions: readonly [Precision, ...Precision[]];
  /** Whether the engine has a portable flavour. */
  readonly portable: boolean;
  /**
   * Version of this project's own operators in files of the native flavour, or 0 if it has none.
   */
  readonly operators: number;
  /**
   * Compute capabilities that `convert` builds for by default, 89 for 8.9; or the reason why none
   * can be chosen.
   */
  readonly buildsFor: readonly number[] | { reason: string };
  /**
   * Whether `batch.max` of the manifest limits the number of texts in a run of the language model.
   */
  readonly limitsTexts: boolean;
  /** Path of a file beside the bundle `out` that speeds up the next build, or '' for none. */
  buildCache(out: string): string;
  /** Path of a file beside a bundle that speeds up the next opening of a part, or '' for none. */
  openCache(bundle: string, part: Part): string;
  /** Returns undefined if Triton has no backend for these files. */
  triton(flavour: Flavour, precision: BundlePrecision): TritonNames | undefined;
  /**
   * Checks by the manifest whether this installation can run the files.
   *
   * @param found Version of the vendor's library that would run them.
   * @throws LLM2CLIPError ERR_ENGINE_INCOMPATIBLE, which names what was expected, what was found
   *   and the command that builds the engine again
   */
  requireCompatible(record: EngineRecord, found: string): void;
  /**
   * Chooses the device to run on.
   *
   * @throws LLM2CLIPError ERR_DEVICE_UNAVAILABLE with the driver's reason, if the caller named one
   */
  chooseDevice(request: DeviceRequest): Promise<DeviceChoice>;
  /**
   * Opens the engine and the vendor's libraries that it needs, on a native thread.
   *
   * @param device Device that it will run on. A GPU needs more libraries.
   * @throws LLM2CLIPError ERR_RUNTIME_MISSING, ERR_ENGINE_INCOMPATIBLE
   */
  open(options: { runtime?: string }, device: string): Promise<NativeEngine>;
}
