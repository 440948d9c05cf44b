// Tests every layout, source precision and flavour against timm and transformers on real images.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Precision } from 'llm2clip';
import type { LayoutName } from '../tools/synthetic/layouts.mts';
import type { Preset } from '../tools/synthetic/presets.mts';
import type { WeightDtype } from '../tools/synthetic/random.mts';
import { syntheticCheckpoint } from './support/checkpoints.mts';
import { convertModel, loadModel, onDevice, withoutInt8 } from './support/device.mts';
import {
  assertClose,
  FP32,
  photograph,
  QUANTISED,
  REDUCED,
  readGolden,
  type Tolerance,
} from './support/goldens.mts';
import { temporaryFolder } from './support/temporary.mts';

interface Case {
  preset: Preset;
  layout: LayoutName;
  format?: 'torch' | 'safetensors';
  dtype?: WeightDtype;
  precision?: Precision;
  portable?: boolean;
  tolerance?: Tolerance;
  textKeys?: boolean;
}

const CASES: Case[] = [
  // Layouts.
  { preset: 'eva02-tiny', layout: 'official', textKeys: true },
  { preset: 'eva02-tiny', layout: 'timm', format: 'safetensors' },
  { preset: 'eva02-tiny', layout: 'open_clip' },
  { preset: 'eva02-tiny', layout: 'hf-evaclip', format: 'safetensors' },
  { preset: 'eva02-tiny', layout: 'hf-evaclip-fc' },
  { preset: 'eva02-tiny', layout: 'eva-clip-old' },
  { preset: 'eva02-tiny', layout: 'eva-clip-fused' },
  { preset: 'eva02-tiny-16', layout: 'official' },
  { preset: 'clip-tiny', layout: 'hf-openai', format: 'safetensors' },
  { preset: 'clip-tiny-gelu', layout: 'hf-openai' },
  { preset: 'siglip2-tiny', layout: 'timm-siglip2', format: 'safetensors' },
  { preset: 'siglip2-tiny', layout: 'open_clip-siglip2' },
  // Checkpoints in half precision, compared with the golden of the fp32 one.
  { preset: 'eva02-tiny', layout: 'official', dtype: 'f16', tolerance: { cosine: 0.9999 } },
  { preset: 'eva02-tiny', layout: 'timm', dtype: 'bf16', tolerance: REDUCED },
  // Precisions and flavours of every family.
  ...(['eva02-tiny', 'clip-tiny', 'siglip2-tiny'] as const).flatMap((preset): Case[] => {
    const layout = ({ eva02: 'official', clip: 'hf-openai', siglip2: 'timm-siglip2' } as const)[
      preset.split('-')[0] as 'eva02' | 'clip' | 'siglip2'
    ];
    return [
      { preset, layout, portable: true },
      { preset, layout, precision: 'bf16', tolerance: REDUCED },
      { preset, layout, precision: 'fp16', tolerance: REDUCED },
      { preset, layout, precision: 'int8', tolerance: QUANTISED },
      { preset, layout, precision: 'bf16', portable: true, tolerance: REDUCED },
      { preset, layout, precision: 'fp16', portable: true, tolerance: REDUCED },
    ];
  }),
];

const folder = temporaryFolder();

for (const [i, given] of CASES.entries()) {
  const { preset, layout } = given;
  const { format = 'torch', dtype = 'f32', precision = 'fp32', portable = false } = given;
  const { textKeys = false } = given;
  const tolerance = onDevice(dtype === 'bf16' ? dtype : precision, given.tolerance ?? FP32);
  const flavour = portable ? 'portable' : 'native';
  test(`${preset}, ${layout}, ${format} ${dtype} → ${precision}, ${flavour}`, {
    skip: withoutInt8(precision),
  }, async () => {
    const { seed, embeddings } = readGolden(preset);
    const options = { preset, layout, format, dtype, seed, textKeys };
    const out = join(folder, `${i}.bundle`);
    const names = Object.keys(embeddings);
    const calibrate = precision === 'int8' ? { calibrate: names.map(photograph) } : {};
    const checkpoint = await syntheticCheckpoint(options);
    await convertModel(checkpoint, { out, precision, portable, ...calibrate });
    await using model = await loadModel(out, { threads: 2 });
    assert.equal(model.info.engine.flavour, flavour);

    const singles: Float32Array[] = [];
    for (const name of names) {
      const single = await model.encodeImage(photograph(name), { normalize: false });
      assertClose(single, embeddings[name] as number[], tolerance);
      singles.push(single);
    }
    // A batch of seven must equal seven single images, in any order.
    const order = [0, 1, 1, 0, 1, 0, 0];
    const inputs = order.map((which) => photograph(names[which] as string));
    const batch = await model.encodeImages(inputs, { normalize: false });
    const difference = precision === 'fp32' ? 1e-5 : 2e-2;
    const alike = onDevice(precision, { cosine: 0, difference });
    for (const [row, which] of order.entries()) {
      assertClose(batch.row(row), singles[which] as Float32Array, alike);
    }
  });
}
