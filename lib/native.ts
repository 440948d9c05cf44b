import type { NativeEngine } from './engines/native-engine';
import { isErrorCode, LLM2CLIPError } from './errors';
import type { Preprocessing } from './image/preprocessing';
import type { RawPixels } from './model/native-session';
import { locateAddon } from './runtime/plugins';
import type { NativeVectors } from './search/native-vectors';
import type { Storage } from './search/storage';

export * from './engines/native-engine';
export type * from './model/native-session';
export type * from './search/native-vectors';

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
  /** The engine that is part of the addon. It runs on any CPU and needs no vendor's library. */
  cpuEngine(): NativeEngine;
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

/** Converts an error of native code to this library's error. */
export function translateError(error: unknown): unknown {
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
    throw translateError(error);
  }
}

/** Like fromNative, for native code that runs on this thread. */
export function callNative<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw translateError(error);
  }
}
