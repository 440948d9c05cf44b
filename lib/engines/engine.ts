// What the rest of lib may ask of a kind of engine. Each kind is one object in a file of its own,
// listed in index.ts; no other file names a kind.
import type { NativeEngine } from '../native';
import type { Part } from '../parts';
import type { BundlePrecision, Precision } from '../precision';
import type { DeviceChoice } from './device';

/** `native`: this project's own operators. `portable`: the vendor's alone. `imported`: made elsewhere. */
export const FLAVOURS = ['native', 'portable', 'imported'] as const;
export type Flavour = (typeof FLAVOURS)[number];

/** What a manifest records of the engine that made a bundle's files, beside its kind. */
export interface EngineRecord {
  flavour: Flavour;
  /** Of the vendor's library that built it. */
  version: string;
  /** Version of this project's own operators in it; 0 for none, as in every TensorRT engine. */
  operators: number;
}

/** What is to be loaded, and on what. */
export interface DeviceRequest {
  /** 'auto', 'cpu', 'cuda' or 'cuda:N'. */
  wanted: string;
  parts: readonly Part[];
  /** Of the bundle's weights. */
  precision: BundlePrecision;
  /** Folder of the vendor's libraries; undefined: they are looked for. */
  runtime: string | undefined;
}

/** How Triton Inference Server reads the files of an engine. */
export interface TritonNames {
  platform: string;
  /** What Triton calls the i-th input, whose name in the file is `name`. */
  input(name: string, i: number): string;
  output: string;
  /** A language model takes a batch as rows of one length, which Triton can put together. */
  textsInRows: boolean;
  /** Comment lines for the reader of config.pbtxt, or ''. */
  remark: string;
}

export interface Engine {
  /** Its name in options and in manifests. */
  readonly kind: string;
  /** Its library beside the addon is `llm2clip_<plugin>.so`; undefined where it is part of the addon. */
  readonly plugin: string | undefined;
  /** The file of each part, in a folder of the part's own. */
  readonly fileName: string;
  /** Files made elsewhere whose names end so are taken for this engine's; undefined: none. */
  readonly importedSuffix: string | undefined;
  /** Where `importEngine` opens a file to see what it takes and gives. */
  readonly inspectedOn: 'cpu' | 'cuda';
  /** What `convert` can store weights in; the default comes first. */
  readonly precisions: readonly [Precision, ...Precision[]];
  /** Whether there is a portable flavour. */
  readonly portable: boolean;
  /** Version of this project's own operators in files of the native flavour; 0: it has none. */
  readonly operators: number;
  /** GPUs that `convert` builds for by default, 89 for 8.9; or why it can't be told any. */
  readonly buildsFor: readonly number[] | { reason: string };
  /** Whether a run of the language model takes no more texts than `batch.max` of the manifest. */
  readonly limitsTexts: boolean;
  /** A file beside the bundle `out` that speeds the next build up; '' for none. */
  buildCache(out: string): string;
  /** A file beside a bundle that speeds the next opening of a part up; '' for none. */
  openCache(bundle: string, part: Part): string;
  /** Undefined where Triton has no backend for these files. */
  triton(flavour: Flavour, precision: BundlePrecision): TritonNames | undefined;
  /**
   * Whether this installation runs the files, by what the manifest says of them.
   *
   * @param found Version of the vendor's library that would run them.
   * @throws LLM2CLIPError ERR_ENGINE_INCOMPATIBLE naming what was expected, what was found and the
   *   command that builds the engine again
   */
  requireCompatible(record: EngineRecord, found: string): void;
  /** @throws LLM2CLIPError ERR_DEVICE_UNAVAILABLE, with the driver's reason, for an explicit device */
  chooseDevice(request: DeviceRequest): Promise<DeviceChoice>;
  /**
   * Opens the engine and the vendor's libraries that it needs, on a native thread.
   *
   * @param device What it is to run on; GPUs need more libraries.
   * @throws LLM2CLIPError ERR_RUNTIME_MISSING, ERR_ENGINE_INCOMPATIBLE
   */
  open(options: { runtime?: string }, device: string): Promise<NativeEngine>;
}
