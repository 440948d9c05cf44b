// Tests the text side of a GPU without a GPU: native language models and adapters run with the
// kernels' twins on the host and must agree with transformers and PyTorch.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Input } from '#lib/native';
import type { Precision } from '#lib/precision';
import { locatePlugin } from '#lib/runtime/plugins';
import { TWIN_GATES } from './support/device.mts';
import { once } from './support/once.mts';
import { assertRopes, buildRopeEngines } from './support/rope-engines.mts';
import { temporaryFolder } from './support/temporary.mts';
import {
  buildTextEngine,
  goldenCases,
  TEXT_PRESETS,
  type TextPreset,
  textTower,
} from './support/text-towers.mts';
import { TWIN } from './support/twin.mts';
import { cosine } from './support/vectors.mts';

/** kRopeTokens of csrc/tests/ropes.h. */
const ROPE_TOKENS = 12;

/** A vector alone and the same vector in a batch differ only by the order of sums. */
const SAME_IN_BATCHES = 0.99999;

const folder = temporaryFolder();

const build = once(async (preset: TextPreset, precision: Precision) => {
  const place = join(folder, preset);
  const tower = await textTower(place, preset);
  return buildTextEngine(place, tower, { precision, portable: false, kind: 'torchscript' });
});

/** As csrc/engine/torchscript/cuda/tests/twin.h reads it. */
function numbersOf(input: Input): Float32Array | Int32Array {
  if ('feature' in input) return input.feature;
  if (!('ids' in input)) throw new Error('expected a text or a feature');
  return Int32Array.from([input.ids.length, input.pooled, ...input.ids]);
}

/** Returns the twin's results for inputs that run together, and for each of them alone. */
async function embedTwin(
  model: string,
  inputs: readonly Input[],
): Promise<{ together: Float32Array; alone: Float32Array }[]> {
  const numbers = inputs.map(numbersOf);
  const file = join(folder, 'inputs');
  const bytes = numbers.map((one) => Buffer.from(one.buffer, one.byteOffset, one.byteLength));
  writeFileSync(file, Buffer.concat(bytes));
  const [first] = numbers;
  const kind = first instanceof Int32Array ? 'texts' : 'features';
  const args = [locatePlugin('torchscript'), model, kind, file, `${first?.length}`];
  const options = { encoding: 'buffer', maxBuffer: 1 << 24 } as const;
  const { stdout } = await promisify(execFile)(TWIN, args, options);
  const all = new Float32Array(Uint8Array.from(stdout).buffer);
  const count = numbers.length;
  const dim = all.length / count / 2;
  const row = (i: number) => all.subarray(i * dim, (i + 1) * dim);
  return numbers.map((_, i) => ({ together: row(i), alone: row(count + i) }));
}

for (const preset of TEXT_PRESETS) {
  describe(preset, () => {
    const cases = goldenCases(preset);
    const inputs = cases.map(({ input }) => input);
    for (const [precision, least] of Object.entries(TWIN_GATES)) {
      test(`${precision}: the operators for GPUs give what the reference gives`, async () => {
        const model = await build(preset, precision as Precision);
        const found = await embedTwin(model, inputs);
        for (const [i, { together, alone }] of found.entries()) {
          const similarity = cosine(together, cases[i]?.embedding ?? []);
          assert.ok(similarity >= least, `input ${i}: cosine ${similarity}`);
          const same = cosine(alone, together);
          assert.ok(same >= SAME_IN_BATCHES, `input ${i} alone: cosine ${same}`);
        }
      });
    }
  });
}

test('a token beyond the vocabulary is refused before a GPU looks for it', async () => {
  const model = await build('llama-tiny', 'fp32');
  const input = { ids: Int32Array.from([1, 700]), pooled: 1 };
  await assert.rejects(embedTwin(model, [input]), /expected tokens below \d+, found 700/);
});

test('attentions that turn by different angles keep their own', async () => {
  const ropes = temporaryFolder();
  await buildRopeEngines(ropes);
  const args = [locatePlugin('torchscript'), join(ropes, 'texts-native.pt'), 'texts'];
  const options = { encoding: 'buffer' } as const;
  const inputs = [join(ropes, 'texts-inputs'), `${ROPE_TOKENS}`];
  const { stdout } = await promisify(execFile)(TWIN, [...args, ...inputs], options);
  const all = new Float32Array(Uint8Array.from(stdout).buffer);
  assertRopes(all.subarray(0, all.length / 2), ropes, 'texts');
  assertRopes(all.subarray(all.length / 2), ropes, 'texts'); // each text alone
});
