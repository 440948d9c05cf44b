// TorchScript files run in libtorch, on the CPU or a GPU.
import { LLM2CLIPError } from '../errors';
import { type CudaDevice, type CudaProbe, loadNative } from '../native';
import { INSTALL_CUDA_COMMAND, type Libtorch, locateLibtorch } from '../runtime/locate';
import { locateCudaOperators } from '../runtime/plugins';
import { type DeviceChoice, theCpu, unavailable } from './device';
import type { DeviceRequest, Engine } from './engine';
import { openPlugin } from './open-plugin';

const PLUGIN = 'torchscript';

/**
 * Version of the fused operators in files of the native flavour. Files with another version are
 * refused.
 */
export const OPERATORS_VERSION = 2;

export const torchscript = {
  kind: 'torchscript',
  plugin: PLUGIN,
  fileName: 'model.pt',
  importedSuffix: '.pt',
  inspectedOn: 'cpu',
  precisions: ['bf16', 'fp32', 'fp16', 'int8'],
  portable: true,
  operators: OPERATORS_VERSION,
  buildsFor: { reason: 'for the CPU' },
  // The largest batch of a bundle limits only its images.
  limitsTexts: false,
  buildCache: () => '',
  openCache: () => '',

  // Triton's PyTorch backend names an input by forward's argument, or by its number, because an
  // imported file may use any argument names. It names an output only by its number.
  triton(flavour, precision) {
    const instead = precision === 'int8' ? 'bf16 and --portable' : '--portable';
    return {
      platform: 'pytorch_libtorch',
      input: (name, i) => (flavour === 'imported' ? `${name}__${i}` : name),
      output: 'embedding__0',
      // The native flavour has no padded rows: it takes the texts one after the other.
      textsInRows: flavour === 'portable',
      remark:
        flavour === 'native'
          ? `# Holds llm2clip's own operators: start Triton with LD_PRELOAD=llm2clip_${PLUGIN}.so, or\n` +
            `# convert with ${instead}.\n`
          : '',
    };
  },

  requireCompatible({ flavour, operators }) {
    if (flavour !== 'native' || operators === OPERATORS_VERSION) return;
    throw new LLM2CLIPError(
      'ERR_ENGINE_INCOMPATIBLE',
      `expected an engine with operators of version ${OPERATORS_VERSION}, found ${operators}; ` +
        'convert the checkpoint again with `npx llm2clip convert --force`',
    );
  },

  async chooseDevice(request) {
    const { wanted } = request;
    if (wanted === 'auto') return chooseFor(request);
    if (wanted === 'cpu') return { device: 'cpu', reason: 'asked for', automatic: false };
    const index = Number(wanted.split(':')[1] ?? 0);
    const { problem, devices } = await loadNative().probeCuda();
    if (problem) throw unavailable(`device ${wanted}: ${problem}`);
    if (!devices[index]) throw unavailable(`expected device ${wanted}, found ${list(devices)}`);
    return { device: `cuda:${index}`, reason: 'asked for', automatic: false };
  },

  async open(options, device) {
    return openPlugin(PLUGIN, librariesOf(await locateLibtorch(options), device));
  },
} as const satisfies Engine;

function librariesOf(libtorch: Libtorch, device: string): string[] {
  if (!device.startsWith('cuda')) return libtorch.libraries;
  if (libtorch.cudaLibraries.length > 0) return [...libtorch.libraries, ...libtorch.cudaLibraries];
  throw new LLM2CLIPError(
    'ERR_RUNTIME_MISSING',
    `expected libtorch's CUDA libraries in ${libtorch.root}, found none; run: ${INSTALL_CUDA_COMMAND}`,
  );
}

/** Chooses the first GPU if these parts can run on it, else the CPU. */
async function chooseFor({ parts, precision, runtime }: DeviceRequest): Promise<DeviceChoice> {
  const inInt8 = parts.includes('vision') && precision === 'int8';
  const obstacle = inInt8 ? 'int8 runs on the CPU alone' : await obstacleTo(runtime);
  if (typeof obstacle === 'string') return theCpu(obstacle);
  return { device: `cuda:${obstacle.index}`, reason: `auto: ${obstacle.name}`, automatic: true };
}

/** Returns the GPU that engines can run on, or the reason why there is none. */
async function obstacleTo(runtime: string | undefined): Promise<CudaDevice | string> {
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
