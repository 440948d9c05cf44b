// The device that a bundle runs on, as an engine's chooseDevice() returns it.
import { LLM2CLIPError } from '../errors';

export interface DeviceChoice {
  /** E.g. 'cpu' or 'cuda:0'. */
  device: string;
  /** Why this device was chosen: the caller asked for it, or 'auto' found it. */
  reason: string;
  /**
   * Whether the library chose the device. If it turns out to be unavailable, the CPU is used
   * instead.
   */
  automatic: boolean;
}

/** Returns the default for the largest number of images in one run, which keeps the device busy. */
export function defaultMaxBatch(device: string): number {
  return device === 'cpu' ? 8 : 64;
}

/** The choice if no GPU is available. */
export function theCpu(reason: string): DeviceChoice {
  return { device: 'cpu', reason: `auto: no GPU used: ${reason}`, automatic: true };
}

/**
 * Whether the device or its libraries caused an error, so that 'auto' falls back to the CPU. Errors
 * of the bundle do not count.
 */
export function concernsTheDevice(error: unknown): error is LLM2CLIPError {
  if (!(error instanceof LLM2CLIPError)) return false;
  return ['ERR_DEVICE_UNAVAILABLE', 'ERR_OUT_OF_MEMORY', 'ERR_RUNTIME_MISSING'].includes(
    error.code,
  );
}

export function unavailable(message: string): LLM2CLIPError {
  return new LLM2CLIPError('ERR_DEVICE_UNAVAILABLE', message);
}
