// What the suite and a peer say to each other: one JSON object a line, a reply to each request.

/** How to open a model. */
export interface OpenOptions {
  /** An .onnx file, or a checkpoint for the peers that run PyTorch. */
  model: string;
  threads: number;
  /** fp32, bf16, fp16 or int8; a peer refuses those that it cannot run. */
  precision: string;
  /** cpu or cuda */
  device: string;
  imageSize: number;
  /** Pictures of the largest batch that will be run. */
  maxBatch: number;
  /** File of pixels, as `RunOptions.pixels`; null where nothing is calibrated. */
  calibration: string | null;
}

export interface RunOptions {
  /** File of little-endian float32, [n, 3, S, S]. */
  pixels: string;
  /** First picture of the batch; past the last one it goes on with the first. */
  offset: number;
  batch: number;
  /**
   * The batch is run once without being timed, then timed once or, where it is short, as often as
   * the times add up to this.
   */
  leastSeconds: number;
}

export interface EmbedOptions {
  pixels: string;
  /** The first so many pictures, one a batch. */
  count: number;
}

export type Request =
  | ({ op: 'open' } & OpenOptions)
  | ({ op: 'run'; imageSize: number } & RunOptions)
  | ({ op: 'embed'; imageSize: number } & EmbedOptions)
  | { op: 'close' };

export interface Opened {
  /** What really runs. */
  precision: string;
  versions: Record<string, string>;
}

export interface Timing {
  /** Of each timed run of the batch. */
  seconds: number[];
  /** Longest the peer's event loop was held up in the run that is not timed; null outside Node. */
  eventLoopDelayMaxMs: number | null;
}

export interface Failure {
  ok: false;
  error: string;
  /** The peer's package is not installed. */
  missing?: boolean;
}

export type Reply<T> = ({ ok: true } & T) | Failure;
