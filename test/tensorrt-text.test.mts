// Tests that language models and adapters become engines of TensorRT for RTX without a GPU. The
// tests in csrc/engine/tensorrt/tests check what their networks compute.
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { openEngine } from '#lib/engines/index';
import { type BuildReport, type BuildSpec, fromNative } from '#lib/native';
import type { Precision } from '#lib/precision';
import { temporaryFolder } from './support/temporary.mts';
import { tensorrtRtxLibrary, WITHOUT_TENSORRT } from './support/tensorrt.mts';
import { type TextPreset, textTower } from './support/text-towers.mts';

const PRESETS = [
  'llama-tiny',
  'llama-tiny-scaled',
  'adapter-tiny',
  'adapter-tiny-siglip2',
] as const satisfies readonly TextPreset[];

const CAPABILITIES = [86, 89, 120];
const BYTES = { fp16: 2, bf16: 2, fp32: 4 } as const;

type Tower = Pick<BuildSpec, 'config' | 'weights'>;

async function build(tower: Tower, precision: Precision, output: string): Promise<BuildReport> {
  const engine = await openEngine('tensorrt-rtx');
  const plain = { portable: false, observe: false, quantisation: [] };
  const target = { maxBatch: 8, computeCapabilities: CAPABILITIES, cache: '' };
  return fromNative(engine.build({ ...tower, precision, output, ...plain, ...target }));
}

function parametersOf({ weights }: Tower): number {
  const counts = weights.map(({ entry }) => entry.shape.reduce((n, size) => n * size, 1));
  return counts.reduce((sum, count) => sum + count, 0);
}

describe('text towers for TensorRT for RTX, without a GPU', { skip: WITHOUT_TENSORRT }, () => {
  const folder = temporaryFolder();
  before(tensorrtRtxLibrary);

  function towerOf(preset: TextPreset): Promise<Tower> {
    return textTower(join(folder, preset), preset);
  }

  for (const preset of PRESETS) {
    for (const precision of ['fp16', 'bf16', 'fp32'] as const) {
      // In fp16 and bf16 this shows that each attention is one fused kernel, with and without
      // padding.
      test(`${preset} in ${precision}`, async () => {
        const tower = await towerOf(preset);
        const output = join(folder, preset, `${precision}.plan`);
        const report = await build(tower, precision, output);
        assert.equal(report.parameters, parametersOf(tower));
        assert.deepEqual(report.computeCapabilities, CAPABILITIES);
        assert.ok(statSync(output).size >= report.parameters * BYTES[precision]);
      });
    }
  }

  test('int8 is refused', async () => {
    const output = join(folder, 'int8.plan');
    await assert.rejects(build(await towerOf('llama-tiny'), 'int8', output), {
      code: 'ERR_ENGINE_INCOMPATIBLE',
      message: /expected fp16, bf16 or fp32 for a TensorRT engine, found int8/,
    });
  });
});
