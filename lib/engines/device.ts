import type { Manifest } from '../bundle/manifest';
import { LLM2CLIPError } from '../errors';
import { type CudaDevice, type CudaProbe, loadNative } from '../native';
import type { Part } from '../parts';
import { INSTALL_CUDA_COMMAND, locateLibtorch } from '../runtime/locate';
import { locateCudaOperators } from '../runtime/plugins';
import type { EngineKind } from './index';

export interface DeviceChoice {
  /** 'cpu', 'cuda:0' … */
  device: string;
  /** The caller's word, or what 'auto' found. */
  reason: string;
  /** The library chose: where the device cannot be had after all, the CPU is taken. */
  automatic: boolean;
}

/** Most pictures in one run by default: as many as keep a device busy. */
export function defaultMaxBatch(device: string): number {
  return device === 'cpu' ? 8 : 64;
}

/**
 * What these parts of a bundle run on: an explicit device or none, 'auto' the first GPU that has all it needs.
 *
 * @throws ERR_DEVICE_UNAVAILABLE with the driver's reason, for an explicit device.
 */
export async function chooseDevice(
  wanted: string,
  manifest: Manifest,
  parts: readonly Part[],
  runtime?: string,
): Promise<DeviceChoice> {
  const { kind } = manifest.engine;
  if (kind !== 'torchscript') return gpuOf(kind, wanted);
  if (wanted === 'auto') return chooseFor(manifest, parts, runtime);
  if (wanted === 'cpu') return { device: 'cpu', reason: 'asked for', automatic: false };
  const index = Number(wanted.split(':')[1] ?? 0);
  const { problem, devices } = await loadNative().probeCuda();
  if (problem) throw unavailable(`device ${wanted}: ${problem}`);
  if (!devices[index]) throw unavailable(`expected device ${wanted}, found ${list(devices)}`);
  return { device: `cuda:${index}`, reason: 'asked for', automatic: false };
}

/** TensorRT's engines ask for the GPU themselves, after what their manifests say has been checked. */
function gpuOf(kind: EngineKind, wanted: string): DeviceChoice {
  if (wanted === 'cpu') {
    throw unavailable(
      `expected device cuda for a bundle of ${kind}, found cpu; for the CPU convert with --engine torchscript`,
    );
  }
  if (wanted !== 'auto') return { device: wanted, reason: 'asked for', automatic: false };
  const reason = `auto: ${kind} engines run on a GPU alone`;
  return { device: 'cuda', reason, automatic: false };
}

async function chooseFor(
  manifest: Manifest,
  parts: readonly Part[],
  runtime?: string,
): Promise<DeviceChoice> {
  const inInt8 = parts.includes('vision') && manifest.precision === 'int8';
  const obstacle = inInt8 ? 'int8 runs on the CPU alone' : await obstacleTo(runtime);
  if (typeof obstacle === 'string') return theCpu(obstacle);
  return { device: `cuda:${obstacle.index}`, reason: `auto: ${obstacle.name}`, automatic: true };
}

/** The choice where no GPU can be had. */
export function theCpu(reason: string): DeviceChoice {
  return { device: 'cpu', reason: `auto: no GPU used: ${reason}`, automatic: true };
}

/** Errors after which 'auto' takes the CPU: the GPU or its libraries are at fault, not the bundle. */
export function concernsTheDevice(error: unknown): error is LLM2CLIPError {
  if (!(error instanceof LLM2CLIPError)) return false;
  return ['ERR_DEVICE_UNAVAILABLE', 'ERR_OUT_OF_MEMORY', 'ERR_RUNTIME_MISSING'].includes(
    error.code,
  );
}

/** The GPU that engines can run on, or why there is none. */
async function obstacleTo(runtime?: string): Promise<CudaDevice | string> {
  const { problem, devices }: CudaProbe = await loadNative().probeCuda();
  const [first] = devices;
  if (problem || !first) return problem;
  if (!locateCudaOperators()) return 'this build of llm2clip has no CUDA operators';
  const { cudaLibraries } = await locateLibtorch(runtime === undefined ? {} : { runtime });
  if (cudaLibraries.length > 0) return first;
  return `${first.name} is there, libtorch's CUDA libraries are not; run: ${INSTALL_CUDA_COMMAND}`;
}

function list(devices: CudaDevice[]): string {
  return devices.map(({ index, name }) => `cuda:${index} (${name})`).join(', ');
}

function unavailable(message: string): LLM2CLIPError {
  return new LLM2CLIPError('ERR_DEVICE_UNAVAILABLE', message);
}
