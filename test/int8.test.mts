// Tests int8 end to end on towers that are hard to quantise: random ones, whose attention amplifies
// small differences, and one with a few channels that are much larger than the others.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type ConvertProgress, LLM2CLIP, type Manifest } from 'llm2clip';
import { engineFile } from '#lib/engines/index';
import { syntheticCheckpoint } from './support/checkpoints.mts';
import { convertModel } from './support/device.mts';
import { digits } from './support/digits.mts';
import { withoutInt8Products, withoutIsa } from './support/isa.mts';
import { effectsOn } from './support/layer-effects.mts';
import { temporaryFolder } from './support/temporary.mts';
import { cosine } from './support/vectors.mts';

const folder = temporaryFolder();
const all = digits('heldout');
const images = Array.from({ length: 32 }, (_, i) => all[Math.floor((i * all.length) / 32)] ?? '');
const int8 = { precision: 'int8', calibrate: images } as const;
const tiny = (dtype: 'f32' | 'bf16') =>
  syntheticCheckpoint({
    ...{ preset: 'eva02-tiny', layout: 'official', format: 'safetensors' },
    ...{ dtype, seed: 1 },
  });
let checkpoint: string;
before(async () => {
  checkpoint = await tiny('f32');
});

async function embed(bundle: string): Promise<Float32Array[]> {
  await using model = await LLM2CLIP.load(bundle);
  const { row } = await model.encodeImages(images);
  return images.map((_, i) => row(i));
}

async function minCosine(path: string, bundle: string): Promise<number> {
  const fp32 = join(folder, 'fp32');
  await convertModel(path, { out: fp32, precision: 'fp32', force: true });
  const [expected, found] = [await embed(fp32), await embed(bundle)];
  return Math.min(...found.map((one, i) => cosine(one, expected[i] as Float32Array)));
}

test('the bundle has the parity that the manifest states', async (t) => {
  const out = join(folder, 'forced');
  const manifest = await convertModel(checkpoint, { out, force: true, ...int8 });
  const said = manifest.quantisation as NonNullable<Manifest['quantisation']>;
  assert.equal(said.pictures, images.length);
  assert.equal(said.layers.length, 13);
  const found = await minCosine(checkpoint, out);
  const kept = said.layers.filter(({ precision }) => precision === 'bf16').length;
  t.diagnostic(`${kept} layers in bf16: ${said.allInt8MinCosine} → ${said.minCosine}`);
  assert.ok(Math.abs(found - said.minCosine) < 1e-4, `${found}, said to be ${said.minCosine}`);
  assert.ok(said.minCosine >= said.allInt8MinCosine);
  const file = engineFile('vision', manifest.engine.kind);
  const files = Object.keys(manifest.files).filter((name) => name !== 'vision/config.pbtxt');
  assert.deepEqual(files, [file]);

  // Without force the same cosine decides whether the bundle is accepted.
  const strict = convertModel(checkpoint, { out: join(folder, 'strict'), ...int8 });
  if (said.minCosine >= said.gate) assert.deepEqual((await strict).quantisation, said);
  else await assert.rejects(strict, { code: 'ERR_PARITY' });
});

/** Multiplies each column of a float32 tensor in a safetensors file, in place. */
function scale(file: Buffer, name: string, factor: (column: number) => number): void {
  const begin = 8 + Number(file.readBigUInt64LE(0));
  const { shape, data_offsets } = JSON.parse(file.toString('utf8', 8, begin))[name];
  const [from, to] = data_offsets as [number, number];
  for (let at = from, i = 0; at < to; at += 4, i++) {
    file.writeFloatLE(file.readFloatLE(begin + at) * factor(i % shape.at(-1)), begin + at);
  }
}

test('channels much larger than the others are smoothed', async (t) => {
  // The function stays the same: a LayerNorm's gain grows as the following weights shrink.
  const [dwarfing, times] = [new Set([7, 100]), 300];
  const file = await readFile(checkpoint);
  for (const i of [0, 1, 2]) {
    const mlp = `visual.blocks.${i}.mlp`;
    const gain = (channel: number) => (dwarfing.has(channel) ? times : 1);
    for (const name of ['weight', 'bias']) scale(file, `${mlp}.ffn_ln.${name}`, gain);
    scale(file, `${mlp}.w3.weight`, (channel) => 1 / gain(channel));
  }
  const path = join(folder, 'dwarfing.safetensors');
  await writeFile(path, file);
  const out = join(folder, 'dwarfing');
  const { quantisation } = await convertModel(path, { out, force: true, ...int8 });
  const said = quantisation as NonNullable<Manifest['quantisation']>;
  const mlp = said.layers.filter(({ name }) => name.endsWith('w3.weight'));
  t.diagnostic(`${mlp.map((one) => one.cosine.toFixed(5)).join(', ')}; ${said.allInt8MinCosine}`);
  assert.equal(mlp.length, 3);
  for (const { name, cosine: found } of mlp) assert.ok(found > 0.999, `${name}: ${found}`);
  assert.ok(said.minCosine > 0.97);
});

const PHOTOGRAPHS = fileURLToPath(new URL('fixtures/images', import.meta.url));
const WORST = 'blocks.0.attn.q_proj.weight';

test('the effect of a layer does not depend on earlier calls', async () => {
  const { layers, effects } = await effectsOn(PHOTOGRAPHS, checkpoint, temporaryFolder());
  const found = await effects();
  assert.equal(found.length, layers.length);
  assert.equal(layers[found.indexOf(Math.min(...found))]?.name, WORST);
  assert.deepEqual(await effects(layers.toReversed()), found.toReversed());
  await assert.rejects(effects([{ name: 'none', cosine: 1, smoothing: null }]), {
    code: 'ERR_ENGINE_INCOMPATIBLE',
    message: /observes none, found no such layer/,
  });
});

// The effect is measured in an fp32 engine with one layer in int8. Both engines must round nothing
// else, so the checkpoint's weights are exact in bf16, and no bf16 kernels, which round the inputs,
// are used.
test('the effect of a layer equals that of an engine with only this layer in int8', {
  skip: withoutIsa('avx512_vnni'),
}, async (t) => {
  const program = fileURLToPath(new URL('./support/worst-layer.mts', import.meta.url));
  const args = ['--import', 'tsx', program, PHOTOGRAPHS, await tiny('bf16'), temporaryFolder()];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: { ...process.env, LLM2CLIP_ISA: 'avx512_vnni' },
  });
  assert.equal(status, 0, stderr);
  const { name, estimated, built, none } = JSON.parse(stdout);
  t.diagnostic(`${name}: ${estimated}, built ${built}; without it ${none}`);
  assert.equal(name, WORST);
  assert.ok(estimated < 0.995 && Math.abs(estimated - built) < 1e-3, `${estimated}, ${built}`);
});

test('layers that move the embeddings stay in bf16, even if their outputs lose little', {
  skip: withoutInt8Products(),
}, async (t) => {
  const { quantisation } = await convertModel(checkpoint, {
    ...{ out: join(folder, 'photographs'), precision: 'int8', calibrate: PHOTOGRAPHS },
  });
  const said = quantisation as NonNullable<Manifest['quantisation']>;
  const kept = said.layers.filter(({ precision }) => precision === 'bf16');
  const names = kept.map(({ name }) => name);
  t.diagnostic(`${names.join(', ')} in bf16: ${said.allInt8MinCosine} → ${said.minCosine}`);
  assert.ok(said.allInt8MinCosine < said.gate && said.minCosine >= said.gate);
  assert.ok(kept.length <= 3);
  // This layer alone brings the cosine of an image below 0.995, although its own output hardly
  // changes.
  const worst = kept.find(({ name }) => name === WORST);
  assert.ok(worst !== undefined && worst.cosine > 0.9999);
});

test('an abort at any stage leaves nothing', async () => {
  const inside = temporaryFolder();
  for (const at of ['read', 'calibrate', 'build', 'write'] as const) {
    const controller = new AbortController();
    const onProgress = ({ stage }: ConvertProgress) => {
      if (stage === at) controller.abort(new Error(at));
    };
    const { signal } = controller;
    const converting = convertModel(checkpoint, {
      ...{ out: join(inside, 'never'), force: true, signal, onProgress, ...int8 },
    });
    await assert.rejects(converting, new Error(at));
    assert.deepEqual(await readdir(inside), []);
  }
});
