import { type CudaDevice, loadNative } from '../native';
import { INSTALL_CUDA_COMMAND } from './locate';
import { locateCudaOperators } from './plugins';

/** NVIDIA GPUs and the libraries that they need. */
export interface CudaDescription {
  /**
   * Newest CUDA version that the driver supports, e.g. "13.0"; null without a sufficient driver.
   */
  driver: string | null;
  /** The reason why no GPU can be used, if so. */
  problem: string | null;
  devices: CudaDevice[];
  /** Whether the libtorch in use has its CUDA libraries. */
  libraries: boolean;
  /** Path of the TorchScript engine's CUDA operators. */
  operators: string | null;
}

export async function describeCuda(
  hasAddon: boolean,
  libraries: boolean,
): Promise<CudaDescription> {
  if (!hasAddon) {
    const problem = 'the llm2clip addon is missing';
    return { driver: null, problem, devices: [], libraries, operators: null };
  }
  const { problem, driverVersion, devices } = await loadNative().probeCuda();
  return {
    driver: driverVersion === 0 ? null : cudaVersion(driverVersion),
    problem: problem || null,
    devices,
    libraries,
    operators: operators(),
  };
}

/** Lists what a machine with a GPU lacks to use it. Without a GPU nothing is missing. */
export function missingForCuda(
  { devices, libraries, operators }: CudaDescription,
  build: string,
): { what: string; command: string }[] {
  if (devices.length === 0) return [];
  return [
    ...(operators ? [] : [{ what: 'the CUDA operators', command: `${build} -- --cuda` }]),
    ...(libraries ? [] : [{ what: "libtorch's CUDA libraries", command: INSTALL_CUDA_COMMAND }]),
  ];
}

function operators(): string | null {
  try {
    return locateCudaOperators() ?? null;
  } catch {
    return null;
  }
}

function cudaVersion(version: number): string {
  return `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
}
