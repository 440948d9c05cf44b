import type { TensorEntry } from './checkpoint/table';
import type { AdapterConfig, LlamaConfig } from './checkpoint/text-config';
import type { VisionConfig } from './checkpoint/vision-config';
import { isErrorCode, LLM2CLIPError } from './errors';
import type { Preprocessing } from './image/preprocessing';
import type { Part } from './parts';
import type { Precision } from './precision';
import { locateAddon } from './runtime/plugins';
import type { Storage } from './search/storage';

/** What binding/ exports. Functions that return a promise run on a native thread. */
export interface Native {
  /** Features of this machine's processor that kernels choose by, e.g. "avx512_bf16". */
  cpuFeatures(): string[];
  /** The instruction set that kernels of this process use, as LLM2CLIP_ISA has it. ERR_DEVICE_UNAVAILABLE where that names another than the processor has. */
  cpuIsa(): string;
  /** Opens CUDA's driver and asks it what there is; what is wrong becomes `problem`. */
  probeCuda(): Promise<CudaProbe>;
  /** To be called when the process is about to exit: see csrc/serving/exit_guard.h. */
  armExitGuard(): void;
  /**
   * One of the `most` turns at decoding that all threads of the process share: undefined where it
   * was free, else a promise of it. To be given back.
   */
  takeDecodeTurn(most: number): Promise<void> | undefined;
  giveDecodeTurn(): void;
  /** Exchanges two directories in one step (renameat2 RENAME_EXCHANGE). ERR_IO where the file system cannot. */
  exchangeDirectories(a: string, b: string): void;
  /** Opens `libraries` in order, then the plugin, by absolute path. One engine a plugin in a process. */
  openEngine(plugin: string, libraries: string[]): Promise<NativeEngine>;
  /** Resize, crop and normalise, for callers who want the pixels: [3, S, S]. */
  preprocess(image: RawPixels, preprocessing: Preprocessing): Promise<Float32Array>;
  /**
   * Copies an embedding as sessions give theirs: normalised or not, into a new array or into `out`,
   * `outOffset` numbers in. ERR_INVALID_BUFFER where `out` has no room for it any more.
   */
  deliver(
    embedding: Float32Array,
    normalize: boolean,
    out: Float32Array | undefined,
    outOffset: number,
  ): Float32Array;
  createVectors(storage: Storage, dim: number): NativeVectors;
  /** Reads an index file; to `append` it is locked, and cut where its last whole record ends. */
  openVectors(
    path: string,
    append: boolean,
  ): Promise<{ vectors: NativeVectors; records: { rows: number; note: string }[] }>;
  /** Dot products of a [n, dim] with b [m, dim]: [n, m]. Both are read before it returns. */
  similarity(a: Float32Array, b: Float32Array, dim: number, threads: number): Promise<Float32Array>;
}

export interface CudaProbe {
  /** Why there is no GPU to be had; '' when there is. */
  problem: string;
  /** 13000 for CUDA 13.0; 0 where there is no driver. */
  driverVersion: number;
  devices: CudaDevice[];
}

export interface CudaDevice {
  /** As in 'cuda:1'. */
  index: number;
  name: string;
  /** As nvidia-smi prints it. */
  uuid: string;
  memoryBytes: number;
  /** E.g. "9.0". */
  computeCapability: string;
}

let native: Native | undefined;

function openAddon(): Native {
  const addon = require(locateAddon()) as Native;
  process.once('exit', () => addon.armExitGuard());
  return addon;
}

/** Loads the addon, once. It links no engine and takes milliseconds. */
export function loadNative(): Native {
  native ??= openAddon();
  return native;
}

function translate(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message: string };
  if (code === 'ERR_INVALID_BUFFER') return Object.assign(new RangeError(message), { code });
  if (code === 'ERR_INVALID_ARG') return Object.assign(new TypeError(message), { code });
  return isErrorCode(code) ? new LLM2CLIPError(code, message) : error;
}

/** What native code threw, as this library's error with the stack of whoever awaits it. */
export async function fromNative<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw translate(error);
  }
}

/** The same of native code that runs on this thread. */
export function callNative<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw translate(error);
  }
}

/** Vectors of an index, and the file that holds them if there is one; see csrc/search. */
export interface NativeVectors {
  readonly storage: Storage;
  readonly dim: number;
  /** [n, dim], read before it returns: all are added, or none. */
  add(vectors: Float32Array): void;
  remove(rows: Uint32Array): void;
  /** queries: [n, dim], read before it returns. */
  search(
    queries: Float32Array,
    k: number,
    threads: number,
  ): { done: Promise<NativeHits>; cancel(): void };
  /** query: [dim], read before it returns; `scale` is what scores are multiplied by in the softmax. */
  rank(
    query: Float32Array,
    k: number,
    threads: number,
    scale: number,
  ): { done: Promise<NativeRanking>; cancel(): void };
  /** Writes the rows `first` to `last` − 1 and a note to the file opened to append. */
  append(record: NativeRecord): Promise<void>;
  /** What was appended survives the end of the machine from here on. */
  sync(): Promise<void>;
  /**
   * Writes a whole file of those rows that are not removed. Where it replaces the file opened to
   * append it takes its place, and says so.
   */
  save(path: string, records: NativeRecord[]): Promise<boolean>;
  memoryBytes(): number;
  /** Lets go of the memory, once searches under way have ended, and of the file. */
  dispose(): void;
}

export interface NativeRecord {
  first: number;
  last: number;
  note: string;
}

export interface NativeHits {
  /** Of all queries, best first, one query after the other. */
  rows: Uint32Array;
  scores: Float32Array;
  /** Of each query. */
  counts: Uint32Array;
}

export interface NativeRanking extends NativeHits {
  /** Sum of exp(scale · (score − highest score)) over all rows. */
  powerSum: number;
}

export interface RawPixels {
  /** Rows of interleaved 8-bit channels, no padding between rows. */
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  /** 1 (grey), 3 (RGB) or 4 (RGBA; alpha is dropped). */
  channels: 1 | 3 | 4;
}

export interface NativeEngine {
  /** Vendor library's version, e.g. "2.11.0". */
  readonly version: string;
  build(spec: BuildSpec): Promise<BuildReport>;
  open(spec: SessionSpec): Promise<NativeSession>;
  /**
   * Inputs and output of an engine file made elsewhere, found by opening it or by running one blank
   * picture; and the coarsest precision that it multiplies matrices in, '' where it does not show it.
   */
  inspect(
    file: string,
    imageSize: number,
    device: string,
  ): Promise<{ embeddingDim: number; precision: Precision | '' }>;
  /** Runs pictures through an engine built with `observe`. */
  calibrate(spec: PicturesSpec): Promise<Calibration>;
  /**
   * What each of these layers does to the embeddings when it alone is in int8: of each the least
   * cosine to the embedding in fp32. By an engine built with `observe`; the pictures are one batch.
   */
  layerEffects(
    spec: PicturesSpec,
    layers: Pick<LayerCalibration, 'name' | 'smoothing'>[],
  ): Promise<number[]>;
  /** Raw embeddings [n, E] of images, or features [n, D] of texts, by any engine file. */
  embed(spec: PicturesSpec | TextsSpec): Promise<Float32Array>;
  /** Runs inputs as one batch so many times, after a warm-up, and says what the time went to. */
  profile(spec: PicturesSpec | TextsSpec, rounds: number): Promise<OperatorTime[]>;
  /** 10⁹ operations a second of a linear layer [rows, in] · [in, out], its fastest repetition. */
  linearGflops(spec: LinearSpec): Promise<number>;
}

/** One kind of operator, of all that a run calls; "all" for whole runs. */
export interface OperatorTime {
  name: string;
  /** Of its first input; of a linear layer, its outputs too. */
  shape: number[];
  calls: number;
  /** Of all calls. */
  seconds: number;
}

export interface LinearSpec {
  rows: number;
  in: number;
  out: number;
  precision: Precision;
  threads: number;
  /** How long to go on repeating it. */
  seconds: number;
}

/** Any of the networks that engines are built of. */
export type TowerConfig =
  | VisionConfig
  | ({ family: 'llama'; maxTokens: number } & LlamaConfig)
  | ({ family: 'adapter' } & AdapterConfig);

export interface BuildSpec {
  config: TowerConfig;
  /** Keyed by canonical name; shapes are the canonical ones. */
  weights: { name: string; entry: TensorEntry }[];
  precision: Precision;
  portable: boolean;
  /** The engine also notes what passes through its linear layers, for calibrate() and layerEffects(). fp32 only. */
  observe: boolean;
  /** Of int8, else empty: linear layers that are not named are quantised without smoothing. */
  quantisation: LayerQuantisation[];
  /** File to write; must not exist. */
  output: string;
  /** Largest batch that the engine takes, where it is built for a largest one. */
  maxBatch: number;
  /** GPUs to build for, 89 for 8.9; none: this machine's, or the CPU. */
  computeCapabilities: number[];
  /** A file of what building measures, of use to the next one; empty: none. */
  cache: string;
}

/** What of a BuildSpec says nothing to an engine for the CPU. */
export const FOR_CPU = { maxBatch: 1, computeCapabilities: [], cache: '' };

/** How one linear layer of an int8 engine is made. */
export interface LayerQuantisation {
  /** Canonical name of its weight; of packed ones, of the first. */
  name: string;
  /** Else it stays in bf16. */
  quantised: boolean;
  /** [in]: activations are divided by it and weights multiplied. */
  smoothing: Float32Array | null;
}

/** Pictures that go through an engine file at once, without a session. */
export interface PicturesSpec {
  file: string;
  /** Edge S of a picture, in pixels. */
  imageSize: number;
  /** Intra-op threads. */
  threads: number;
  /** [n, 3, S, S], preprocessed. */
  pixels: Float32Array;
}

/** Texts that do, through a language model. */
export interface TextsSpec {
  file: string;
  /** Of one text. */
  maxTokens: number;
  /** Intra-op threads. */
  threads: number;
  texts: Tokens[];
}

export interface Calibration {
  /** [n, E] in fp32, not normalised. */
  embeddings: Float32Array;
  /** In the order of the network, of those that can be quantised. */
  layers: LayerCalibration[];
}

export interface LayerCalibration {
  /** As LayerQuantisation's. */
  name: string;
  /** Of this layer's output in int8, after smoothing, to its output in fp32, over sampled rows. */
  cosine: number;
  /** [in]; null where none helps. */
  smoothing: Float32Array | null;
}

export interface BuildReport {
  parameters: number;
  /** GPUs that run it, 89 for 8.9; none: it is for the CPU, or for any. */
  computeCapabilities: number[];
}

/** What a session reads: in place, where nobody else can write, detach or free it. */
export type Pixels = RawPixels | { pixelValues: Float32Array | Uint16Array };

/** A text as the language model reads it. */
export interface Tokens {
  ids: Int32Array;
  /** The feature is the mean over the last so many. */
  pooled: number;
}

/** One input of a session: of a kind that its parts take. */
export type Input = Pixels | Tokens | { feature: Float32Array };

/** The engine file of one part of a bundle. */
export interface PartSpec {
  file: string;
  /** A file of what opening compiles, of use to the next one; empty: none. */
  cache: string;
  /** Inputs in one run. */
  maxBatch: number;
  /** Numbers of what it gives. */
  dim: number;
}

/** The parts that one thread runs: a vision tower, or a text side, of which either part may lack. */
export interface SessionParts {
  vision?: PartSpec & { preprocessing: Preprocessing };
  /** Its feature is rounded to bf16. */
  llm?: PartSpec & {
    /** Of one text. */
    maxTokens: number;
    /** Of all texts in a batch of more than one. */
    maxTokensPerBatch: number;
  };
  /** `width`: numbers of a language model's feature. */
  adapter?: PartSpec & { width: number };
}

export interface SessionSpec extends SessionParts {
  /** Sessions of one key are one, in all threads of the process. */
  key: string;
  /** GPUs that the files were built for, 89 for 8.9; none: they say nothing. */
  computeCapabilities: number[];
  device: string;
  /** Intra-op threads. */
  threads: number;
  /** Inputs taken in and not settled; more are refused. */
  maxQueue: number;
  /** How long a batch waits for company. */
  maxDelayMs: number;
}

/** What is asked of the patches of a picture instead of its embedding. */
export interface PatchesSpec {
  /** What leaves it; undefined: each patch in the space of the embeddings. */
  layer: number | undefined;
  /** Numbers of one patch, which are normalised together. */
  width: number;
}

export interface EncodeSpec {
  patches?: PatchesSpec | undefined;
  /** Of a text: what the adapter makes of it, which is the default, or what the language model does. */
  output?: 'embedding' | 'feature' | undefined;
  /** Read before `encode` returns, and not again. */
  borrowed: boolean;
  /** Higher ones first. */
  priority: number;
  timeoutMs: number | undefined;
  /** Never refused for a full queue: the caller bounds itself. */
  waits: boolean;
  normalize: boolean;
  /** Where the embedding goes, `outOffset` numbers in; else into a new array. */
  out: Float32Array | undefined;
  outOffset: number;
}

/** Milliseconds; percentiles to 3 %. */
export interface Summary {
  count: number;
  mean: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

export interface SessionStats {
  submitted: number;
  completed: number;
  failed: number;
  refused: number;
  expired: number;
  dropped: number;
  queued: number;
  inBatches: number;
  inputCopies: number;
  inputBytes: number;
  outputCopies: number;
  outputBytes: number;
  busyMs: number;
  openMs: number;
  batchSizes: Record<number, number>;
  preprocess: Summary;
  queue: Summary;
  run: Summary;
  deliver: Summary;
}

/** What one part of a session runs on. */
export interface NativePartInfo {
  device: string;
  precision: string;
  kernels: string[];
  givesPatches: boolean;
}

export interface NativeSession {
  /** Of each part. */
  readonly info: { readonly [part in Part]?: NativePartInfo };
  /** Queues one input, which may wait for wake(); resolves with the array that its embedding [E], or what else was asked for, was written to. */
  encode(id: number, input: Input, spec: EncodeSpec): Promise<Float32Array>;
  /** To be called after one or more encode(): what is asked for together becomes one batch. */
  wake(): void;
  /** Takes an input out of the queue; one that is in a batch goes on. */
  cancel(id: number): void;
  stats(): SessionStats;
  /** Lets go of the session; the last one to do so frees the engine. */
  close(): Promise<void>;
}
