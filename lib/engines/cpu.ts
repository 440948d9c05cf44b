// The engine that is part of the addon runs on any CPU, without a vendor's library.
import { LLM2CLIPError } from '../errors';
import { loadNative } from '../native';
import { unavailable } from './device';
import type { Engine } from './engine';

/** Version of the steps in a file's plan. Files with another version are refused. */
const STEPS_VERSION = 1;

export const cpu = {
  kind: 'cpu',
  plugin: undefined,
  // Any reader of safetensors can list it.
  fileName: 'model.safetensors',
  importedSuffix: undefined,
  inspectedOn: 'cpu',
  precisions: ['bf16', 'fp32', 'fp16', 'int8'],
  portable: false,
  operators: STEPS_VERSION,
  buildsFor: { reason: 'for the CPU' },
  // The largest batch of a bundle limits only its images.
  limitsTexts: false,
  buildCache: () => '',
  openCache: () => '',
  triton: () => undefined,

  requireCompatible({ operators }) {
    if (operators === STEPS_VERSION) return;
    throw new LLM2CLIPError(
      'ERR_ENGINE_INCOMPATIBLE',
      `expected an engine with steps of version ${STEPS_VERSION}, found ${operators}; ` +
        'convert the checkpoint again with `npx llm2clip convert --force`',
    );
  },

  async chooseDevice({ wanted }) {
    if (wanted !== 'auto' && wanted !== 'cpu') {
      throw unavailable(
        `expected device cpu for a bundle of cpu, found ${wanted}; for a GPU convert with --engine torchscript or tensorrt`,
      );
    }
    const reason = wanted === 'cpu' ? 'asked for' : 'auto: cpu engines run on the CPU alone';
    return { device: 'cpu', reason, automatic: false };
  },

  async open() {
    return loadNative().cpuEngine();
  },
} as const satisfies Engine;
