// The GPU's operators, its padded weights and its kernels' index arithmetic without a GPU: a native
// engine runs over the kernels' twins on the host, and gives what the CPU gives in fp32.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { convert, LLM2CLIP, type Precision } from 'llm2clip';
import { readVisionManifest } from '#lib/bundle/open';
import { locatePlugin } from '#lib/runtime/plugins';
import { syntheticCheckpoint } from './support/checkpoints.mts';
import { temporaryFolder } from './support/temporary.mts';
import { cosine } from './support/vectors.mts';

const TWIN = fileURLToPath(new URL('../build/Release/tests/twin_session', import.meta.url));
const BATCH = 3;

/** What the suite asks of a GPU at full size; these towers are small and of random weights. */
const LEAST_COSINE: Partial<Record<Precision, number>> = {
  fp32: 0.99999,
  fp16: 0.9999,
  bf16: 0.999,
};

/** Of each whether its last norm and its head run as one kernel. */
const CASES = [
  ['eva02-tiny', 'official', true],
  ['eva02-tiny-16', 'official', true],
  ['clip-tiny', 'hf-openai', true],
  ['clip-tiny-gelu', 'hf-openai', true],
  ['siglip2-tiny', 'timm-siglip2', false],
] as const;

/** Pixels [BATCH, 3, size, size] such as preprocessing makes them: of the same range, repeatable. */
function somePixels(size: number): Float32Array {
  return Float32Array.from(
    { length: BATCH * 3 * size * size },
    (_, i) => 2 * Math.sin(i * i * 1e-3),
  );
}

/** What the twin gives, and the operators that made it. */
async function embedTwin(bundle: string, pixels: Float32Array, size: number) {
  const file = join(temporaryFolder(), 'pixels');
  writeFileSync(file, pixels);
  const model = join(bundle, 'vision/1/model.pt');
  const args = [locatePlugin('torchscript'), model, file, `${size}`];
  const options = { encoding: 'buffer', maxBuffer: 1 << 24 } as const;
  const { stdout, stderr } = await promisify(execFile)(TWIN, args, options);
  return {
    embeddings: new Float32Array(Uint8Array.from(stdout).buffer),
    operators: stderr.toString().trim().split('\n'),
  };
}

async function embedCpu(bundle: string, pixels: Float32Array, size: number): Promise<Float32Array> {
  await using model = await LLM2CLIP.load(bundle, { device: 'cpu' });
  const picture = 3 * size * size;
  const inputs = Array.from({ length: BATCH }, (_, i) => ({
    pixelValues: pixels.slice(i * picture, (i + 1) * picture),
    shape: [3, size, size] as [number, number, number],
  }));
  return (await model.encodeImages(inputs, { normalize: false })).data;
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
    const { imageSize, embeddingDim } = (await readVisionManifest(reference)).model;
    const pixels = somePixels(imageSize);
    const expected = await embedCpu(reference, pixels, imageSize);
    for (const [precision, least] of Object.entries(LEAST_COSINE)) {
      const bundle = join(folder, `${precision}-twin`);
      await convert(checkpoint, { out: bundle, precision: precision as Precision });
      const { embeddings: found, operators } = await embedTwin(bundle, pixels, imageSize);
      assert.equal(operators.at(-1) === 'llm2clip::norm_head', hasFusedHead, `${operators}`);
      assert.equal(found.length, BATCH * embeddingDim);
      for (let i = 0; i < BATCH; i++) {
        const row = (all: Float32Array) => all.subarray(i * embeddingDim, (i + 1) * embeddingDim);
        const similarity = cosine(row(found), row(expected));
        assert.ok(similarity >= least, `${precision}, picture ${i}: cosine ${similarity}`);
      }
    }
  });
}
