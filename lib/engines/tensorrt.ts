// TensorRT builds for the GPU of this machine.
import { resolve } from 'node:path';
import { TENSORRT } from '../runtime/tensorrt';
import type { Engine } from './engine';
import { planEngine } from './plan-engine';

export const tensorrt = {
  ...planEngine('tensorrt', 'tensorrt', TENSORRT),
  importedSuffix: '.plan',
  buildsFor: { reason: "which builds for this machine's GPU" },
  // Keeps the measured times of the kernels that were tried.
  buildCache: (out) => `${resolve(out)}.timing-cache`,
  openCache: () => '',
  // Triton's TensorRT backend uses the names of inputs and outputs in the plan.
  triton: () => ({
    platform: 'tensorrt_plan',
    input: (name) => name,
    output: 'embedding',
    textsInRows: true,
    remark: '',
  }),
} as const satisfies Engine;
