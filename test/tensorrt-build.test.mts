// Tests that engines of TensorRT for RTX are built for three generations of GPUs on a machine
// without a GPU.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type ConvertOptions, convert, type Precision } from 'llm2clip';
import { TENSORRT_RTX_VERSION } from '#lib/runtime/pins';
import { PRESETS } from '../tools/synthetic/presets.mts';
import { syntheticCheckpoint } from './support/checkpoints.mts';
import { llm2clip } from './support/cli.mts';
import { CHECKPOINT as DIGITS } from './support/digits.mts';
import { once } from './support/once.mts';
import { temporaryFolder } from './support/temporary.mts';
import { CAPABILITIES, tensorrtRtxLibrary, WITHOUT_TENSORRT } from './support/tensorrt.mts';

const NETWORK_TEST = fileURLToPath(
  new URL('../build/Release/tests/tensorrt_network_test', import.meta.url),
);

const LAYOUTS = {
  'eva02-tiny': 'official',
  'eva02-tiny-16': 'timm',
  'clip-tiny': 'hf-openai',
  'clip-tiny-gelu': 'hf-openai',
  'siglip2-tiny': 'timm-siglip2',
} as const;
type Tiny = keyof typeof LAYOUTS;

function checkpointOf(preset: Tiny): Promise<string> {
  const layout = LAYOUTS[preset];
  return syntheticCheckpoint({ preset, layout, format: 'safetensors', dtype: 'f32', seed: 1 });
}

describe('TensorRT for RTX without a GPU', { skip: WITHOUT_TENSORRT }, () => {
  const folder = temporaryFolder();
  let library = '';
  before(async () => {
    library = await tensorrtRtxLibrary();
  });

  test('each model becomes the expected layers', () => {
    const { status, stdout, error } = spawnSync(NETWORK_TEST, [library], { encoding: 'utf8' });
    assert.ifError(error);
    assert.deepEqual(
      stdout.split('\n').filter((line) => line.startsWith('FAILED')),
      [],
    );
    assert.equal(status, 0);
    assert.equal(stdout.split('\n').filter((line) => line.startsWith('ok')).length, 16);
  });

  const built = once(async (preset: Tiny, precision: Precision) => {
    const out = join(folder, `${preset}-${precision}`);
    const options = { out, engine: 'tensorrt-rtx', computeCapabilities: CAPABILITIES } as const;
    return { out, manifest: await convert(await checkpointOf(preset), { ...options, precision }) };
  });

  for (const preset of Object.keys(LAYOUTS) as Tiny[]) {
    for (const precision of ['fp16', 'bf16', 'fp32'] as const) {
      // In fp16 and bf16 this shows that each attention is one fused kernel; otherwise the build
      // would fail.
      test(`${preset} in ${precision}, for ${CAPABILITIES.join(', ')}`, async () => {
        const { out, manifest } = await built(preset, precision);
        assert.deepEqual(manifest.engine, {
          kind: 'tensorrt-rtx',
          flavour: 'native',
          version: TENSORRT_RTX_VERSION,
          operators: 0,
        });
        assert.equal(manifest.precision, precision);
        assert.deepEqual(manifest.computeCapabilities, CAPABILITIES);
        assert.deepEqual(manifest.model, PRESETS[preset]);
        assert.deepEqual(await readdir(out, { recursive: true }).then((names) => names.sort()), [
          'llm2clip.json',
          'vision',
          'vision/1',
          'vision/1/model.plan',
        ]);
      });
    }
  }

  test('has the same number of parameters as the TorchScript engine', async () => {
    for (const preset of ['eva02-tiny', 'clip-tiny', 'siglip2-tiny'] as const) {
      const out = join(folder, `${preset}-torchscript`);
      const torchscript = await convert(await checkpointOf(preset), { out });
      const { manifest } = await built(preset, 'fp16');
      assert.equal(manifest.parameters, torchscript.parameters);
    }
  });

  test('is in fp16 and for batches of 64 images by default', async () => {
    const out = join(folder, 'default');
    const { precision, batch } = await convert(DIGITS, {
      ...{ out, engine: 'tensorrt-rtx', parts: ['vision'] },
    });
    assert.deepEqual([precision, batch], ['fp16', { max: 64 }]);
  });

  test('is built by the command for the given GPUs', async () => {
    const out = join(folder, 'command');
    const place = ['--out', out, '--json'];
    const words = [...place, '--engine', 'tensorrt-rtx', '--parts', 'vision', '--max-batch', '4'];
    const done = await llm2clip('convert', DIGITS, ...words, '--compute-capability', '8.9,12.0');
    assert.equal(done.code, 0, done.stderr);
    const [manifest] = done.json() as [{ computeCapabilities: string[]; batch: object }];
    assert.deepEqual(manifest.computeCapabilities, ['8.9', '12.0']);
    assert.deepEqual(manifest.batch, { max: 4 });
    const shown = await llm2clip('inspect', out, '--json');
    assert.deepEqual((shown.json()[0] as { manifest: object }).manifest, manifest);
    const again = await llm2clip('convert', DIGITS, ...words);
    assert.match(again.stderr, /ERR_BUNDLE_EXISTS/);
  });

  const REFUSED: Record<string, [Partial<ConvertOptions>, string, RegExp]> = {
    int8: [
      { precision: 'int8', calibrate: DIGITS },
      'ERR_INVALID_ARG',
      /expected fp16, bf16 or fp32 with engine tensorrt-rtx.*int8/,
    ],
    'stock operators alone': [{ portable: true }, 'ERR_INVALID_ARG', /expected false/],
    'no GPU to build for': [{ computeCapabilities: [] }, 'ERR_INVALID_ARG', /8\.9/],
    'what is no compute capability': [
      { computeCapabilities: ['ada'] },
      'ERR_INVALID_ARG',
      /such as \['8\.9'/,
    ],
    'a GPU that can only be built for where it is': [
      { computeCapabilities: ['9.0'] },
      'ERR_ENGINE_INCOMPATIBLE',
      /expected compute capabilities of 7\.5, 8\.0, .* found 9\.0;.*current/,
    ],
    "this machine's GPU": [
      { computeCapabilities: 'current' },
      'ERR_DEVICE_UNAVAILABLE',
      /needs a GPU: .*driver/,
    ],
    'an engine for the CPU with a GPU to build for': [
      { engine: 'torchscript', computeCapabilities: ['8.9'] },
      'ERR_INVALID_ARG',
      /expected nothing with engine torchscript/,
    ],
    'TensorRT for a GPU that is elsewhere': [
      { engine: 'tensorrt', computeCapabilities: ['8.9'] },
      'ERR_INVALID_ARG',
      /this machine's GPU/,
    ],
  };
  for (const [name, [options, code, message]] of Object.entries(REFUSED)) {
    test(`refuses ${name}, and leaves nothing`, async () => {
      const out = join(folder, 'refused');
      const wanted = { engine: 'tensorrt-rtx', ...options, out } as const;
      await assert.rejects(convert(DIGITS, wanted), { code, message });
      assert.ok(!existsSync(out));
    });
  }
});
