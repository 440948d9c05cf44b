// The engine and the device of whole models in tests. LLM2CLIP_TEST_ENGINE names the engine. The
// device is the CPU, or the GPU that LLM2CLIP_TEST_DEVICE names. A GPU's
// sums depend on the batch, so that values which are exact on a CPU are compared with a gate there.
import assert from 'node:assert/strict';
import {
  type ConvertOptions,
  convert,
  LLM2CLIP,
  type LoadOptions,
  type Manifest,
  type Precision,
} from 'llm2clip';
import type { Tolerance } from './goldens.mts';
import { cosine } from './vectors.mts';

/** 'cpu', 'cuda' or 'cuda:1'. */
export const DEVICE = process.env.LLM2CLIP_TEST_DEVICE || 'cpu';
export const ON_GPU = DEVICE !== 'cpu';
/** A device that does not exist. */
export const ABSENT = ON_GPU ? 'cuda:99' : 'cuda';

/** Lowest allowed cosine between embeddings on a GPU and those in fp32. */
const GPU_GATES: Readonly<Record<Exclude<Precision, 'int8'>, number>> = {
  fp32: 0.9999,
  fp16: 0.9999,
  bf16: 0.999,
};

/** The gates for the twins of the GPU's kernels on the host, whose sums have a fixed order. */
export const TWIN_GATES: Partial<Record<Precision, number>> = { ...GPU_GATES, fp32: 0.99999 };

/** Reason to skip a test of int8, which GPUs do not have, for node:test's `skip`. */
export const withoutInt8 = (precision: Precision): string | false =>
  ON_GPU && precision === 'int8' && 'int8 runs on the CPU alone';

/** The engine of bundles in tests, e.g. 'cpu'. Undefined: the one that `convert` chooses. */
export const ENGINE = (process.env.LLM2CLIP_TEST_ENGINE || undefined) as ConvertOptions['engine'];

/** Calls convert for the engine under test, unless the options ask for what only another has. */
export function convertModel(checkpoint: string, options: ConvertOptions): Promise<Manifest> {
  const engine = options.portable ? undefined : ENGINE;
  return convert(checkpoint, engine === undefined ? options : { engine, ...options });
}

/** Calls LLM2CLIP.load on the device under test. */
export function loadModel(bundle: string, options: LoadOptions = {}): Promise<LLM2CLIP> {
  return LLM2CLIP.load(bundle, { device: DEVICE, ...options });
}

/** Returns the tolerance on the device under test, where that on the CPU is `onCpu`. */
export function onDevice(precision: Precision, onCpu: Tolerance): Tolerance {
  return ON_GPU && precision !== 'int8' ? { cosine: GPU_GATES[precision] } : onCpu;
}

/**
 * Returns the allowed difference between two cosines of the same pair; on a GPU it follows from the
 * gate.
 */
export function within(onCpu: number): number {
  return ON_GPU ? Math.sqrt(2 * (1 - GPU_GATES.fp32)) : onCpu;
}

/** Asserts equal numbers on the CPU, and on a GPU the same direction within its precision. */
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
