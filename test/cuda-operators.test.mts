// Tests the GPU's operators, padded weights and index arithmetic without a GPU: a native engine
// runs with the kernels' twins on the host and must agree with the CPU in fp32.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { convert, LLM2CLIP, type Precision } from 'llm2clip';
import { readVisionManifest } from '#lib/bundle/open';
import { locatePlugin } from '#lib/runtime/plugins';
import { syntheticCheckpoint } from './support/checkpoints.mts';
import { TWIN_GATES } from './support/device.mts';
import { assertRopes, buildRopeEngines } from './support/rope-engines.mts';
import { temporaryFolder } from './support/temporary.mts';
import { TWIN } from './support/twin.mts';
import { cosine } from './support/vectors.mts';

const BATCH = 3;

/** kRopeSize of csrc/tests/ropes.h. */
const ROPE_SIZE = 8;

/** The third value says whether the last norm and the head run as one kernel. */
const CASES = [
  ['eva02-tiny', 'official', true],
  ['eva02-tiny-16', 'official', true],
  ['clip-tiny', 'hf-openai', true],
  ['clip-tiny-gelu', 'hf-openai', true],
  ['siglip2-tiny', 'timm-siglip2', false],
] as const;

/** An output of the engine: its name and the number of values per vector. */
interface Output {
  name: string;
  /** The layer that patches are taken from. Undefined: patches in the space of the embeddings. */
  patches?: { layer: number | undefined };
  width: number;
}

/** Makes reproducible pixels [BATCH, 3, size, size] in the range of preprocessed ones. */
function somePixels(size: number): Float32Array {
  return Float32Array.from(
    { length: BATCH * 3 * size * size },
    (_, i) => 2 * Math.sin(i * i * 1e-3),
  );
}

/**
 * Lists the outputs: the embedding, the patches of every layer, and the patches in the space of the
 * embeddings.
 */
async function outputsOf(bundle: string): Promise<Output[]> {
  const { layers, width, embeddingDim } = (await readVisionManifest(bundle)).model;
  assert.ok(layers !== undefined && width !== undefined);
  const hidden = Array.from({ length: layers + 1 }, (_, layer) => ({
    name: `layer ${layer}`,
    patches: { layer },
    width,
  }));
  const inSpace = { name: 'patches', patches: { layer: undefined }, width: embeddingDim };
  return [{ name: 'embedding', width: embeddingDim }, ...hidden, inSpace];
}

/**
 * Runs the twin. Returns its outputs one after the other, and the names of the operators that
 * embed.
 */
async function runTwin(bundle: string, pixels: Float32Array, size: number, outputs: Output[]) {
  const file = join(temporaryFolder(), 'pixels');
  writeFileSync(file, pixels);
  const model = join(bundle, 'vision/1/model.pt');
  const layers = outputs.flatMap(({ patches }) => (patches ? [`${patches.layer ?? -1}`] : []));
  const args = [locatePlugin('torchscript'), model, 'images', file, `${size}`, ...layers];
  const options = { encoding: 'buffer', maxBuffer: 1 << 24 } as const;
  const { stdout, stderr } = await promisify(execFile)(TWIN, args, options);
  return {
    numbers: new Float32Array(Uint8Array.from(stdout).buffer),
    operators: stderr.toString().trim().split('\n'),
  };
}

/** Computes the same outputs on the CPU. Returns all numbers of each output. */
async function runCpu(bundle: string, pixels: Float32Array, size: number, outputs: Output[]) {
  await using model = await LLM2CLIP.load(bundle, { device: 'cpu' });
  const image = 3 * size * size;
  const inputs = Array.from({ length: BATCH }, (_, i) => ({
    pixelValues: pixels.slice(i * image, (i + 1) * image),
    shape: [3, size, size] as [number, number, number],
  }));
  const patchesOf = (input: (typeof inputs)[number], { layer }: { layer: number | undefined }) =>
    model.encodeImage(input, {
      output: 'patches',
      normalize: false,
      ...(layer !== undefined && { layer }),
    });
  const results: Float32Array[] = [];
  for (const { patches } of outputs) {
    const rows = patches
      ? await Promise.all(inputs.map(async (input) => (await patchesOf(input, patches)).data))
      : [(await model.encodeImages(inputs, { normalize: false })).data];
    results.push(Float32Array.from(rows.flatMap((row) => [...row])));
  }
  return results;
}

/** Compares vector by vector. */
function assertNear(
  found: Float32Array,
  expected: Float32Array,
  width: number,
  least: number,
  name: string,
) {
  assert.equal(found.length, expected.length, name);
  for (let first = 0; first < found.length; first += width) {
    const row = (all: Float32Array) => all.subarray(first, first + width);
    const similarity = cosine(row(found), row(expected));
    assert.ok(similarity >= least, `${name}, vector ${first / width}: cosine ${similarity}`);
  }
}

for (const [preset, layout, hasFusedHead] of CASES) {
  test(`${preset}: the operators for GPUs give what the CPU gives`, async () => {
    const checkpoint = await syntheticCheckpoint({
      preset,
      layout,
      format: 'torch',
      dtype: 'f32',
      seed: 1,
    });
    const folder = temporaryFolder();
    const reference = join(folder, 'fp32');
    await convert(checkpoint, { out: reference, precision: 'fp32' });
    const size = (await readVisionManifest(reference)).model.imageSize;
    const outputs = await outputsOf(reference);
    const pixels = somePixels(size);
    const expected = await runCpu(reference, pixels, size, outputs);
    for (const [precision, least] of Object.entries(TWIN_GATES)) {
      const bundle = join(folder, precision);
      if (bundle !== reference) {
        await convert(checkpoint, { out: bundle, precision: precision as Precision });
      }
      const { numbers, operators } = await runTwin(bundle, pixels, size, outputs);
      assert.equal(operators.at(-1) === 'llm2clip::norm_head', hasFusedHead, `${operators}`);
      let first = 0;
      for (const [i, { name, width }] of outputs.entries()) {
        const one = expected[i] as Float32Array;
        const found = numbers.subarray(first, first + one.length);
        assertNear(found, one, width, least, `${precision}, ${name}`);
        first += one.length;
      }
      assert.equal(numbers.length, first);
    }
  });
}

test('attentions that turn by different angles keep their own', async () => {
  const ropes = temporaryFolder();
  await buildRopeEngines(ropes);
  const model = join(ropes, 'images-native.pt');
  const args = [locatePlugin('torchscript'), model, 'images', join(ropes, 'images-inputs')];
  const options = { encoding: 'buffer' } as const;
  const { stdout } = await promisify(execFile)(TWIN, [...args, `${ROPE_SIZE}`], options);
  assertRopes(new Float32Array(Uint8Array.from(stdout).buffer), ropes, 'images');
});
