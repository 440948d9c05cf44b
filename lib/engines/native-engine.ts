import type { TensorEntry } from '../checkpoint/table';
import type { AdapterConfig, LlamaConfig } from '../checkpoint/text-config';
import type { VisionConfig } from '../checkpoint/vision-config';
import type { NativeSession, SessionSpec, Tokens } from '../model/native-session';
import type { Precision } from '../precision';

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
  /**
   * Runs images through an engine that was built with `observe`. Only the engine of
   * observingEngine() can.
   */
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
