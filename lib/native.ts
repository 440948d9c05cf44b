import type { TensorEntry } from './checkpoint/table';
import type { AdapterConfig, LlamaConfig } from './checkpoint/text-config';
import type { VisionConfig } from './checkpoint/vision-config';
import { isErrorCode, LLM2CLIPError } from './errors';
import type { Preprocessing } from './image/preprocessing';
import type { Part } from './parts';
import type { Precision } from './precision';
import { locateAddon } from './runtime/plugins';
import type { Storage } from './search/storage';

/** The exports of binding/. Functions that return a promise run on a native thread. */
export interface Native {
  /**
   * Features of this machine's processor that the choice of kernels depends on, e.g. "avx512_bf16".
   */
  cpuFeatures(): string[];
  /**
   * Returns the instruction set that the kernels of this process use, which LLM2CLIP_ISA may limit.
   * Throws ERR_DEVICE_UNAVAILABLE if it names one that the processor does not have.
   */
  cpuIsa(): string;
  /** Opens the CUDA driver and lists the GPUs. `problem` says what is wrong. */
  probeCuda(): Promise<CudaProbe>;
  /** Must be called when the process is about to exit, see csrc/serving/exit_guard.h. */
  armExitGuard(): void;
  /**
   * Takes one of the `most` turns at decoding, which all threads of the process share. Returns
   * undefined if a turn was free, else a promise of one. Each turn must be given back.
   */
  takeDecodeTurn(most: number): Promise<void> | undefined;
  giveDecodeTurn(): void;
  /**
   * Exchanges two directories in one step (renameat2 RENAME_EXCHANGE). Throws ERR_IO if the file
   * system does not support it.
   */
  exchangeDirectories(a: string, b: string): void;
  /**
   * Opens `libraries` in order, then the plugin, all by absolute path. A process has one engine per
   * plugin.
   */
  openEngine(plugin: string, libraries: string[]): Promise<NativeEngine>;
  /** Resizes, crops and normalises an image for callers that need the pixels: [3, S, S]. */
  preprocess(image: RawPixels, preprocessing: Preprocessing): Promise<Float32Array>;
  /**
   * Copies an embedding as sessions deliver theirs: normalised or not, into a new array or into
   * `out`, starting at element `outOffset`. Throws ERR_INVALID_BUFFER if `out` no longer has room
   * for it.
   */
  deliver(
    embedding: Float32Array,
    normalize: boolean,
    out: Float32Array | undefined,
    outOffset: number,
  ): Float32Array;
  createVectors(storage: Storage, dim: number): NativeVectors;
  /**
   * Reads an index file. With `append` the file is locked, and cut after its last complete record.
   */
  openVectors(
    path: string,
    append: boolean,
  ): Promise<{ vectors: NativeVectors; records: { rows: number; note: string }[] }>;
  /** Dot products of a [n, dim] with b [m, dim]: [n, m]. Both are read before the call returns. */
  similarity(a: Float32Array, b: Float32Array, dim: number, threads: number): Promise<Float32Array>;
}

export interface CudaProbe {
  /** Why no GPU can be used, or '' if one can. */
  problem: string;
  /** 13000 for CUDA 13.0; 0 without a driver. */
  driverVersion: number;
  devices: CudaDevice[];
}

export interface CudaDevice {
  /** The number in 'cuda:1'. */
  index: number;
  name: string;
  /** In nvidia-smi's notation. */
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

/** Loads the addon once. It links no engine and takes milliseconds to load. */
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

/**
 * Converts errors of native code to this library's errors, with the stack of the caller that awaits
 * them.
 */
export async function fromNative<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw translate(error);
  }
}

/** Like fromNative, for native code that runs on this thread. */
export function callNative<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw translate(error);
  }
}

/** The vectors of an index, and the file that holds them, if there is one. See csrc/search. */
export interface NativeVectors {
  readonly storage: Storage;
  readonly dim: number;
  /** Adds vectors [n, dim], which are read before the call returns. If it fails, none is added. */
  add(vectors: Float32Array): void;
  remove(rows: Uint32Array): void;
  /** queries: [n, dim], read before the call returns. */
  search(
    queries: Float32Array,
    k: number,
    threads: number,
  ): { done: Promise<NativeHits>; cancel(): void };
  /**
   * query: [dim], read before the call returns. `scale` is the factor of the scores in the softmax.
   */
  rank(
    query: Float32Array,
    k: number,
    threads: number,
    scale: number,
  ): { done: Promise<NativeRanking>; cancel(): void };
  /** Writes the rows `first` to `last` − 1 and a note to the file that was opened for appending. */
  append(record: NativeRecord): Promise<void>;
  /** Makes all appended records survive a crash of the machine. */
  sync(): Promise<void>;
  /**
   * Writes all rows that are not removed to a complete file. If it replaces the file that was
   * opened for appending, further records go to the new file, and the promise resolves with true.
   */
  save(path: string, records: NativeRecord[]): Promise<boolean>;
  memoryBytes(): number;
  /** Releases the file, and the memory when pending searches have ended. */
  dispose(): void;
}

export interface NativeRecord {
  first: number;
  last: number;
  note: string;
}

export interface NativeHits {
  /** Hits of all queries, one query after the other, best first. */
  rows: Uint32Array;
  scores: Float32Array;
  /** Number of hits per query. */
  counts: Uint32Array;
}

export interface NativeRanking extends NativeHits {
  /** Sum of exp(scale · (score − highest score)) over all rows. */
  powerSum: number;
}

export interface RawPixels {
  /** Rows of interleaved 8-bit channels, without padding between rows. */
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  /** 1 (grey), 3 (RGB) or 4 (RGBA; alpha is dropped). */
  channels: 1 | 3 | 4;
}

export interface NativeEngine {
  /** Version of the vendor's library, e.g. "2.11.0". */
  readonly version: string;
  build(spec: BuildSpec): Promise<BuildReport>;
  open(spec: SessionSpec): Promise<NativeSession>;
  /**
   * Inspects an engine file that was made elsewhere, by opening it or by running one blank image.
   * `precision` is the coarsest precision of its matrix products, or '' if the file does not show
   * it.
   */
  inspect(
    file: string,
    imageSize: number,
    device: string,
  ): Promise<{ embeddingDim: number; precision: Precision | '' }>;
  /** Runs images through an engine that was built with `observe`. */
  calibrate(spec: ImagesSpec): Promise<Calibration>;
  /**
   * Measures the effect of each of these layers on the embeddings if only that layer is in int8:
   * the lowest cosine to the fp32 embeddings. The engine must be built with `observe`. The images
   * form one batch.
   */
  layerEffects(
    spec: ImagesSpec,
    layers: Pick<LayerCalibration, 'name' | 'smoothing'>[],
  ): Promise<number[]>;
  /** Raw embeddings [n, E] of images, or features [n, D] of texts, with any engine file. */
  embed(spec: ImagesSpec | TextsSpec): Promise<Float32Array>;
  /**
   * Runs the inputs as one batch `rounds` times, after a warm-up, and returns the times of the
   * operators.
   */
  profile(spec: ImagesSpec | TextsSpec, rounds: number): Promise<OperatorTime[]>;
  /**
   * The rate of a linear layer [rows, in] · [in, out] in 10⁹ operations per second, from its
   * fastest run.
   */
  linearGflops(spec: LinearSpec): Promise<number>;
}

/** The time of one kind of operator in a run; "all" means whole runs. */
export interface OperatorTime {
  name: string;
  /** Shape of the first input; for a linear layer, the number of outputs follows. */
  shape: number[];
  calls: number;
  /** Of all calls together. */
  seconds: number;
}

export interface LinearSpec {
  rows: number;
  in: number;
  out: number;
  precision: Precision;
  threads: number;
  /** How long the measurement repeats the layer. */
  seconds: number;
}

/** The configuration of any network that engines are built from. */
export type TowerConfig =
  | VisionConfig
  | ({ family: 'llama'; maxTokens: number } & LlamaConfig)
  | ({ family: 'adapter' } & AdapterConfig);

export interface BuildSpec {
  config: TowerConfig;
  /** Weights with their canonical names and shapes. */
  weights: { name: string; entry: TensorEntry }[];
  precision: Precision;
  portable: boolean;
  /**
   * Build an engine that also records the inputs of its linear layers, for calibrate() and
   * layerEffects(). Only in fp32.
   */
  observe: boolean;
  /**
   * For int8; otherwise empty. Linear layers that are not listed are quantised without smoothing.
   */
  quantisation: LayerQuantisation[];
  /** The file to write. It must not exist. */
  output: string;
  /** Largest batch of the engine, if its kernels are chosen for one. */
  maxBatch: number;
  /** Compute capabilities to build for, 89 for 8.9. Empty: this machine's GPU, or the CPU. */
  computeCapabilities: number[];
  /** A file of measurements that speeds up the next build. Empty: none. */
  cache: string;
}

/** The fields of a BuildSpec that an engine for the CPU ignores. */
export const FOR_CPU = { maxBatch: 1, computeCapabilities: [], cache: '' };

/** How one linear layer of an int8 engine is stored. */
export interface LayerQuantisation {
  /** Canonical name of the layer's weight; for packed weights, of the first one. */
  name: string;
  /** If false, the layer stays in bf16. */
  quantised: boolean;
  /** [in]: activations are divided by it, and weights multiplied. */
  smoothing: Float32Array | null;
}

/** Images that run through an engine file together, without a session. */
export interface ImagesSpec {
  file: string;
  /** Width and height S of an image, in pixels. */
  imageSize: number;
  /** Intra-op threads. */
  threads: number;
  /** [n, 3, S, S], preprocessed. */
  pixels: Float32Array;
}

/** Texts that run through a language model's engine file, without a session. */
export interface TextsSpec {
  file: string;
  /** Limit of one text. */
  maxTokens: number;
  /** Intra-op threads. */
  threads: number;
  texts: Tokens[];
}

export interface Calibration {
  /** [n, E] in fp32, not normalised. */
  embeddings: Float32Array;
  /** The layers that can be quantised, in the order of the network. */
  layers: LayerCalibration[];
}

export interface LayerCalibration {
  /** As in LayerQuantisation. */
  name: string;
  /**
   * Cosine between the layer's outputs in int8, after smoothing, and in fp32, over sampled rows.
   */
  cosine: number;
  /** [in]; null if no smoothing helps. */
  smoothing: Float32Array | null;
}

export interface BuildReport {
  parameters: number;
  /**
   * Compute capabilities of the GPUs that can run it, 89 for 8.9. Empty: it is for the CPU, or for
   * any GPU.
   */
  computeCapabilities: number[];
}

/** Pixels for a session. They are read in place if nobody else can write, detach or free them. */
export type Pixels = RawPixels | { pixelValues: Float32Array | Uint16Array };

/** A text as the language model takes it. */
export interface Tokens {
  ids: Int32Array;
  /** The feature is the mean over this number of tokens at the end. */
  pooled: number;
}

/** One input of a session, of a kind that its parts take. */
export type Input = Pixels | Tokens | { feature: Float32Array };

/** The engine file of one part of a bundle. */
export interface PartSpec {
  file: string;
  /** A file of compiled code that speeds up the next opening. Empty: none. */
  cache: string;
  /** Largest number of inputs in one run. */
  maxBatch: number;
  /** Length of the output. */
  dim: number;
}

/**
 * The parts that run on one thread: a vision tower, or a text side, which may lack one of its
 * parts.
 */
export interface SessionParts {
  vision?: PartSpec & { preprocessing: Preprocessing };
  /** Its feature is rounded to bf16. */
  llm?: PartSpec & {
    /** Limit of one text. */
    maxTokens: number;
    /** Limit of all texts together in a batch of more than one. */
    maxTokensPerBatch: number;
  };
  /** `width` is the length of a language model's feature. */
  adapter?: PartSpec & { width: number };
}

export interface SessionSpec extends SessionParts {
  /** All threads of the process share one session per key. */
  key: string;
  /** Compute capabilities that the files were built for, 89 for 8.9. Empty: not stated. */
  computeCapabilities: number[];
  device: string;
  /** Intra-op threads. */
  threads: number;
  /** Largest number of accepted inputs that are not settled. Further ones are refused. */
  maxQueue: number;
  /** Time that a batch waits for further inputs. */
  maxDelayMs: number;
}

/** Requests the patches of an image instead of its embedding. */
export interface PatchesSpec {
  /** The layer to take them from. Undefined: patches in the space of the embeddings. */
  layer: number | undefined;
  /** Values per patch; each patch is normalised by itself. */
  width: number;
}

export interface EncodeSpec {
  patches?: PatchesSpec | undefined;
  /** The requested output of a text: the adapter's (default), or the language model's. */
  output?: 'embedding' | 'feature' | undefined;
  /** Whether the input must be read before `encode` returns, and not later. */
  borrowed: boolean;
  /** Inputs with a higher priority run first. */
  priority: number;
  timeoutMs: number | undefined;
  /**
   * Whether the caller limits its own number of calls. Such inputs are never refused for a full
   * queue.
   */
  waits: boolean;
  normalize: boolean;
  /**
   * The array that the embedding is written to, starting at element `outOffset`. Undefined: a new
   * array.
   */
  out: Float32Array | undefined;
  outOffset: number;
}

/** Milliseconds. Percentiles have an error of up to 3 %. */
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
  timedOut: number;
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
  /** The info of each part. */
  readonly info: { readonly [part in Part]?: NativePartInfo };
  /**
   * Queues one input, which may wait for wake(). Resolves with the array that its embedding [E], or
   * other requested output, was written to.
   */
  encode(id: number, input: Input, spec: EncodeSpec): Promise<Float32Array>;
  /**
   * Must be called after one or more calls of encode(). Inputs that are queued together become one
   * batch.
   */
  wake(): void;
  /** Removes an input from the queue. An input in a batch still runs. */
  cancel(id: number): void;
  stats(): SessionStats;
  /** Releases the session. The last thread to release it frees the engine. */
  close(): Promise<void>;
}
