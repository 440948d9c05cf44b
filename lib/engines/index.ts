import { LLM2CLIPError } from '../errors';
import { fromNative, loadNative, type NativeEngine } from '../native';
import type { Part } from '../parts';
import { INSTALL_CUDA_COMMAND, type Libtorch, locateLibtorch } from '../runtime/locate';
import { withBriefSpinning } from '../runtime/openmp';
import { locatePlugin, type PluginName } from '../runtime/plugins';
import { locateTensorrt } from '../runtime/tensorrt';

/** The engines that this version can build and run; each is a plugin beside the addon. */
export const ENGINES = ['torchscript', 'tensorrt', 'tensorrt-rtx'] as const;
export type EngineKind = (typeof ENGINES)[number];

const PLUGIN_OF: Record<EngineKind, PluginName> = {
  torchscript: 'torchscript',
  tensorrt: 'tensorrt',
  'tensorrt-rtx': 'tensorrt_rtx',
};

/** Version of the fused operators in files of the native flavour; a file of another is refused. */
export const OPERATORS_VERSION = 2;

/** Where the engine file of a part lies in a bundle; Triton's layout. */
export function engineFile(part: Part, kind: EngineKind): string {
  return `${part}/1/model.${kind === 'torchscript' ? 'pt' : 'plan'}`;
}

function librariesOf(libtorch: Libtorch, device: string): string[] {
  if (!device.startsWith('cuda')) return libtorch.libraries;
  if (libtorch.cudaLibraries.length > 0) return [...libtorch.libraries, ...libtorch.cudaLibraries];
  throw new LLM2CLIPError(
    'ERR_RUNTIME_MISSING',
    `expected libtorch's CUDA libraries in ${libtorch.root}, found none; run: ${INSTALL_CUDA_COMMAND}`,
  );
}

/**
 * Opens the plugin of an engine and the vendor's libraries it needs, on a native thread.
 *
 * @param runtime Folder of the vendor's libraries; without it they are looked for, see lib/runtime.
 * @param device What it is to run on; GPUs need more libraries.
 * @throws LLM2CLIPError ERR_RUNTIME_MISSING, ERR_ENGINE_INCOMPATIBLE
 */
export async function openEngine(
  kind: EngineKind,
  runtime?: string,
  device = 'cpu',
): Promise<NativeEngine> {
  const options = runtime === undefined ? {} : { runtime };
  const libraries =
    kind === 'torchscript'
      ? librariesOf(await locateLibtorch(options), device)
      : [await locateTensorrt(kind, options)];
  const plugin = locatePlugin(PLUGIN_OF[kind]);
  return withBriefSpinning(() => fromNative(loadNative().openEngine(plugin, libraries)));
}
