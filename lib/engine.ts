import { fromNative, loadNative, type NativeEngine } from './native';
import { locateLibtorch } from './runtime/locate';
import { withBriefSpinning } from './runtime/openmp';
import { locatePlugin, type PluginName } from './runtime/plugins';
import { locateTensorrt } from './runtime/tensorrt';

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

/** Where the one engine file of the vision tower lies in a bundle; Triton's layout. */
export function visionFile(kind: EngineKind): string {
  return kind === 'torchscript' ? 'vision/1/model.pt' : 'vision/1/model.plan';
}

/**
 * Opens the plugin of an engine and the vendor's libraries it needs, on a native thread.
 *
 * @param runtime Folder of the vendor's libraries; without it they are looked for, see lib/runtime.
 * @throws LLM2CLIPError ERR_RUNTIME_MISSING, ERR_ENGINE_INCOMPATIBLE
 */
export async function openEngine(kind: EngineKind, runtime?: string): Promise<NativeEngine> {
  const options = runtime === undefined ? {} : { runtime };
  const libraries =
    kind === 'torchscript'
      ? (await locateLibtorch(options)).libraries
      : [await locateTensorrt(kind, options)];
  const plugin = locatePlugin(PLUGIN_OF[kind]);
  return withBriefSpinning(() => fromNative(loadNative().openEngine(plugin, libraries)));
}
