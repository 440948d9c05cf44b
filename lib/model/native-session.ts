import type { Preprocessing } from '../image/preprocessing';
import type { Part } from '../parts';

export interface RawPixels {
  /** Rows of interleaved 8-bit channels, without padding between rows. */
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  /** 1 (grey), 3 (RGB) or 4 (RGBA; alpha is dropped). */
  channels: 1 | 3 | 4;
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
  /** 'feature' is the language model's output for a text. By default, it is the embedding. */
  output?: 'embedding' | 'feature' | PatchesSpec | undefined;
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
