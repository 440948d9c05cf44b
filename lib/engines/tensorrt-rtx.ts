// TensorRT for RTX builds for several kinds of GPUs without having one, and compiles on the user's
// GPU.
import { resolve } from 'node:path';
import { TENSORRT_RTX } from '../runtime/tensorrt';
import type { Engine } from './engine';
import { planEngine } from './plan-engine';

export const tensorrtRtx = {
  ...planEngine('tensorrt-rtx', 'tensorrt_rtx', TENSORRT_RTX),
  importedSuffix: undefined,
  // GeForce RTX of the series 30, 40 and 50.
  buildsFor: [86, 89, 120],
  buildCache: () => '',
  // The code that is compiled on this machine is never part of the bundle.
  openCache: (bundle, part) => `${resolve(bundle)}.${part === 'vision' ? '' : `${part}.`}jit-cache`,
  triton: () => undefined,
} as const satisfies Engine;
