// Tests the real sizes: each tower becomes an engine for three generations of GPUs, without a GPU.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { convert } from 'llm2clip';
import { writeSyntheticCheckpoint } from '../tools/synthetic/checkpoint.mts';
import { temporaryFolder } from './support/temporary.mts';
import { CAPABILITIES, tensorrtRtxLibrary, WITHOUT_TENSORRT } from './support/tensorrt.mts';

const TOWERS = {
  'eva02-L-14-336': { layout: 'official', parameters: 304_957_632 },
  'clip-L-14-336': { layout: 'hf-openai', parameters: 304_818_176 },
  'siglip2-so400m-14-224': { layout: 'timm-siglip2', parameters: 427_680_704 },
} as const;

describe('TensorRT for RTX at full size', { skip: WITHOUT_TENSORRT }, () => {
  const folder = temporaryFolder();
  before(tensorrtRtxLibrary);

  for (const preset of Object.keys(TOWERS) as (keyof typeof TOWERS)[]) {
    test(preset, async (t) => {
      const { layout, parameters } = TOWERS[preset];
      const [source, out] = [join(folder, `${preset}.checkpoint`), join(folder, preset)];
      const written = { preset, layout, format: 'safetensors', dtype: 'f16', seed: 1 } as const;
      const checkpoint = await writeSyntheticCheckpoint(source, written);
      const wanted = { engine: 'tensorrt-rtx', computeCapabilities: CAPABILITIES } as const;

      const begin = performance.now();
      const manifest = await convert(checkpoint, { out, ...wanted });
      const seconds = ((performance.now() - begin) / 1000).toFixed(1);

      const bytes = manifest.files['vision/1/model.plan']?.bytes ?? 0;
      t.diagnostic(`${seconds} s, ${(bytes / 1e6).toFixed(1)} MB, for ${CAPABILITIES.join(', ')}`);
      assert.equal(manifest.parameters, parameters);
      assert.deepEqual(manifest.computeCapabilities, CAPABILITIES);
      // The plan holds one copy of the weights in 16 bits, whatever the number of GPUs.
      assert.ok(bytes >= 2 * parameters && bytes <= 2.2 * parameters, `${bytes} bytes`);
      for (const path of [source, out]) await rm(path, { recursive: true });
    });
  }
});
