// What whole models run on in tests: the CPU, or the GPU that LLM2CLIP_TEST_DEVICE names. A GPU's sums
// depend on how many there are at once, so what is exact on a CPU is held to a gate there.
import assert from 'node:assert/strict';
import { LLM2CLIP, type LoadOptions, type Precision } from 'llm2clip';
import type { Tolerance } from './goldens.mts';
import { cosine } from './vectors.mts';

/** 'cpu', 'cuda' or 'cuda:1'. */
export const DEVICE = process.env.LLM2CLIP_TEST_DEVICE || 'cpu';
export const ON_GPU = DEVICE !== 'cpu';
/** A device that is not there. */
export const ABSENT = ON_GPU ? 'cuda:99' : 'cuda';

/** Least cosine on a GPU to what the model gives in fp32. */
const GPU_GATES: Readonly<Record<Exclude<Precision, 'int8'>, number>> = {
  fp32: 0.9999,
  fp16: 0.9999,
  bf16: 0.999,
};

/** The same of the GPU's kernels' twins on the host, where sums come in one order. */
export const TWIN_GATES: Partial<Record<Precision, number>> = { ...GPU_GATES, fp32: 0.99999 };

/** For node:test's `skip`. */
export const withoutInt8 = (precision: Precision): string | false =>
  ON_GPU && precision === 'int8' && 'int8 runs on the CPU alone';

/** LLM2CLIP.load on the device under test. */
export function loadModel(bundle: string, options: LoadOptions = {}): Promise<LLM2CLIP> {
  return LLM2CLIP.load(bundle, { device: DEVICE, ...options });
}

/** What holds of this precision where the CPU is held to `onCpu`. */
export function onDevice(precision: Precision, onCpu: Tolerance): Tolerance {
  return ON_GPU && precision !== 'int8' ? { cosine: GPU_GATES[precision] } : onCpu;
}

/** How far two cosines of the same pair may differ: on a GPU by the angle of its gate. */
export function within(onCpu: number): number {
  return ON_GPU ? Math.sqrt(2 * (1 - GPU_GATES.fp32)) : onCpu;
}

/** The same numbers on the CPU; on a GPU the same direction, to what its precision gives. */
export function assertSame(
  found: Float32Array,
  expected: Float32Array,
  precision: Precision = 'fp32',
): void {
  if (!ON_GPU) {
    assert.deepEqual(found, expected);
    return;
  }
  assert.equal(found.length, expected.length);
  const least = onDevice(precision, { cosine: 1 }).cosine;
  const similarity = cosine(found, expected);
  assert.ok(similarity >= least, `cosine ${similarity}`);
}
