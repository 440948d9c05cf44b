import { createHistogram, performance } from 'node:perf_hooks';
import { invalidBuffer } from '../arguments';
import { Deadline } from '../async/deadline';
import { LLM2CLIPError } from '../errors';
import { decodeImage, type EncodedImage, isEncoded, readPixels } from '../image';
import type { Preprocessing } from '../image/preprocessing';
import type { Pixels, SessionStats } from '../native';
import type { ImageOptions, ResolvedEncodeOptions } from '../options';
import { type PatchOutput, type PatchTower, patchOutput } from './patch-output';
import { Patches } from './patches';
import type { Requests, Target } from './requests';
import type { DecodeStats } from './stats';

/** The loaded vision tower of a bundle. */
export interface VisionPart {
  requests: Requests;
  preprocessing: Preprocessing;
  tower: PatchTower;
}

/** Turns images into embeddings. Images are decoded on libuv's threads and run on the engine's. */
export class ImageSide {
  readonly requests: Requests;
  readonly #preprocessing: Preprocessing;
  readonly #tower: PatchTower;
  readonly #options: Required<ImageOptions>;
  readonly #decoding: DecodeStats = { time: createHistogram(), copies: { count: 0, bytes: 0 } };

  constructor({ requests, preprocessing, tower }: VisionPart, options: Required<ImageOptions>) {
    this.requests = requests;
    this.#preprocessing = preprocessing;
    this.#tower = tower;
    this.#options = options;
  }

  /**
   * Encodes an image. Memory is read before this function returns, shared memory until the promise
   * settles.
   */
  encode(input: unknown, options: ResolvedEncodeOptions, target: Target): Promise<Float32Array> {
    if (isEncoded(input)) return this.#encodeFile(input, options, target);
    const { pixels, borrowed } = readPixels(input, options.transfer);
    return this.#submit(pixels, borrowed, options, target);
  }

  /**
   * Returns the shape of a layer's patches, or of patches in the space of the embeddings.
   *
   * @throws As encodeImage for patches
   */
  patchOutput(layer: number | undefined): PatchOutput {
    return patchOutput(this.#tower, this.requests.session.info.vision, layer);
  }

  async encodePatches(
    input: unknown,
    options: ResolvedEncodeOptions,
    { spec, shape, length }: PatchOutput,
  ): Promise<Patches> {
    const target = { waits: false, out: options.out, outOffset: 0, output: spec };
    const data = await this.encode(input, options, target);
    if (data.length < length) {
      throw new LLM2CLIPError(
        'ERR_ENGINE_INCOMPATIBLE',
        `expected patches of ${length} numbers, found ${data.length}`,
      );
    }
    return new Patches(data.subarray(0, length), shape, this.#preprocessing);
  }

  /** Returns the statistics of the engine, and of decoding. */
  stats(): { session: SessionStats; decoding: DecodeStats } {
    return { session: this.requests.session.stats(), decoding: this.#decoding };
  }

  async #encodeFile(
    input: EncodedImage,
    options: ResolvedEncodeOptions,
    target: Target,
  ): Promise<Float32Array> {
    const { signal, timeoutMs, transfer } = options;
    const started = performance.now();
    const deadline = new Deadline(timeoutMs);
    const onCopy = (bytes: number) => this.#countCopy(bytes);
    const pixels = await deadline.within(signal, (either) =>
      decodeImage(input, { ...this.#options, transfer, signal: either, onCopy }),
    );
    const took = performance.now() - started;
    this.#decoding.time.record(Math.max(1, Math.round(took * 1e6)));
    return this.#submit(pixels, false, { ...options, timeoutMs: deadline.left() }, target);
  }

  #countCopy(bytes: number): void {
    this.#decoding.copies.count += 1;
    this.#decoding.copies.bytes += bytes;
  }

  #submit(
    pixels: Pixels,
    borrowed: boolean,
    options: ResolvedEncodeOptions,
    target: Target,
  ): Promise<Float32Array> {
    if ('pixelValues' in pixels) requireSize(pixels.pixelValues, this.#preprocessing.size);
    return this.requests.submit(pixels, borrowed, options, target);
  }
}

function requireSize(pixelValues: Float32Array | Uint16Array, size: number): void {
  if (pixelValues.length === 3 * size * size) return;
  throw invalidBuffer(`pixelValues [3, ${size}, ${size}]`, 'image', pixelValues);
}
