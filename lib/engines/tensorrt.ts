// TensorRT: builds for the GPU of this machine.
import { resolve } from 'node:path';
import { TENSORRT } from '../runtime/tensorrt';
import type { Engine } from './engine';
import { planEngine } from './plan-engine';

export const tensorrt = {
  ...planEngine('tensorrt', 'tensorrt', TENSORRT),
  importedSuffix: '.plan',
  buildsFor: { reason: "which builds for this machine's GPU" },
  // The times of kernels that were tried.
  buildCache: (out) => `${resolve(out)}.timing-cache`,
  openCache: () => '',
  // Triton's TensorRT backend takes inputs and outputs by the names in the plan.
  triton: () => ({
    platform: 'tensorrt_plan',
    input: (name) => name,
    output: 'embedding',
    textsInRows: true,
    remark: '',
  }),
} as const satisfies Engine;
