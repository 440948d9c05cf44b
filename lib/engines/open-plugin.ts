import { fromNative, loadNative, type NativeEngine } from '../native';
import { withBriefSpinning } from '../runtime/openmp';
import { locatePlugin } from '../runtime/plugins';

/**
 * Opens an engine whose shared library is beside the addon.
 *
 * @param libraries Absolute paths of the vendor's libraries, in the order in which they are opened.
 * @throws LLM2CLIPError ERR_RUNTIME_MISSING, ERR_ENGINE_INCOMPATIBLE
 */
export function openPlugin(name: string, libraries: string[]): Promise<NativeEngine> {
  const plugin = locatePlugin(name);
  return withBriefSpinning(() => fromNative(loadNative().openEngine(plugin, libraries)));
}
