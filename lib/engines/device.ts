// The device that a bundle runs on: what an engine's chooseDevice() answers with.
import { LLM2CLIPError } from '../errors';

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

export function unavailable(message: string): LLM2CLIPError {
  return new LLM2CLIPError('ERR_DEVICE_UNAVAILABLE', message);
}
