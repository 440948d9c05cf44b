// The messages between the suite and a peer. Each is one line of JSON, and each request gets one
// reply.

/** How to open a model. */
export interface OpenOptions {
  /** An .onnx file, or a checkpoint for the peers that run PyTorch. */
  model: string;
  threads: number;
  /** fp32, bf16, fp16 or int8. A peer rejects precisions that it cannot run. */
  precision: string;
  /** cpu or cuda */
  device: string;
  imageSize: number;
  /** The size of the largest batch that will be run. */
  maxBatch: number;
  /** A file of pixels like `RunOptions.pixels`, or null if nothing is calibrated. */
  calibration: string | null;
}

export interface RunOptions {
  /** A file of little-endian float32, [n, 3, S, S]. */
  pixels: string;
  /** The first image of the batch. After the last image it continues with the first. */
  offset: number;
  batch: number;
  /**
   * The batch is run once without timing. Then it is timed, and repeated until the times add up to
   * this.
   */
  leastSeconds: number;
}

export interface EmbedOptions {
  pixels: string;
  /** How many images to embed, from the first on, one per batch. */
  count: number;
}

export type Request =
  | ({ op: 'open' } & OpenOptions)
  | ({ op: 'run'; imageSize: number } & RunOptions)
  | ({ op: 'embed'; imageSize: number } & EmbedOptions)
  | { op: 'close' };

export interface Opened {
  /** The precision that the engine really uses. */
  precision: string;
  versions: Record<string, string>;
}

export interface Timing {
  /** The times of all timed runs of the batch. */
  seconds: number[];
  /**
   * The longest time for which the event loop was blocked in the untimed run; null outside Node.
   */
  eventLoopDelayMaxMs: number | null;
}

export interface Failure {
  ok: false;
  error: string;
  /** True if the peer's package is not installed. */
  missing?: boolean;
}

export type Reply<T> = ({ ok: true } & T) | Failure;
