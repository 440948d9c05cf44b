// What TensorRT and TensorRT for RTX have in common: their files are plans, which run only on a
// GPU.
import { LLM2CLIPError } from '../errors';
import { locateTensorrt, type TensorrtLibrary } from '../runtime/tensorrt';
import { unavailable } from './device';
import type { Engine } from './engine';
import { openPlugin } from './open-plugin';

/** Returns those properties of an Engine that both share. */
export function planEngine<const Kind extends string>(
  kind: Kind,
  plugin: string,
  library: TensorrtLibrary,
) {
  return {
    kind,
    plugin,
    fileName: 'model.plan',
    inspectedOn: 'cuda',
    precisions: ['fp16', 'bf16', 'fp32'],
    portable: false,
    operators: 0,
    limitsTexts: true,

    /** A plan can only be opened by the release that built it. */
    requireCompatible({ version, flavour }, found) {
      if (release(version) === release(found)) return;
      const remedy =
        flavour === 'imported'
          ? 'build and import it again'
          : `build it again with \`npx llm2clip convert --force --engine ${kind}\``;
      throw new LLM2CLIPError(
        'ERR_ENGINE_INCOMPATIBLE',
        `expected an engine of ${library.title} ${found}, found one of ${version}; ${remedy}`,
      );
    },

    /**
     * The engine looks for the GPU itself when it opens the plan, after the manifest has been
     * checked.
     */
    async chooseDevice({ wanted }) {
      if (wanted === 'cpu') {
        throw unavailable(
          `expected device cuda for a bundle of ${kind}, found cpu; for the CPU convert with --engine torchscript`,
        );
      }
      if (wanted !== 'auto') return { device: wanted, reason: 'asked for', automatic: false };
      const reason = `auto: ${kind} engines run on a GPU alone`;
      return { device: 'cuda', reason, automatic: false };
    },

    async open(options) {
      return openPlugin(plugin, [await locateTensorrt(library, options)]);
    },
  } as const satisfies Partial<Engine>;
}

/** "1.7.1.116" → "1.7.1": builds of the same release can read each other's plans. */
function release(version: string): string {
  return version.split('.').slice(0, 3).join('.');
}
