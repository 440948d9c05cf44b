// Tests what is needed to run a TensorRT bundle's engine: rows 5 and 7 of FAULTS.md.
import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { convert, importEngine, LLM2CLIP } from 'llm2clip';
import type { Manifest } from '#lib/bundle/manifest';
import { tritonConfig } from '#lib/bundle/triton';
import { CONTENT } from './support/bundle-content.mts';
import { llm2clip, run } from './support/cli.mts';
import { CHECKPOINT, digits } from './support/digits.mts';
import { temporaryFolder, withEnvironment } from './support/temporary.mts';
import { fakeDriver, tensorrtRtxLibrary, WITHOUT_TENSORRT } from './support/tensorrt.mts';

const PLAN = 'vision/1/model.plan';
const [IMAGE = ''] = digits('heldout');
const folder = temporaryFolder();
const good = join(folder, 'good');

/** Copies the good bundle and damages the copy. */
async function damaged(name: string, damage: (out: string) => Promise<unknown>): Promise<string> {
  const out = join(folder, name);
  await cp(good, out, { recursive: true });
  await damage(out);
  return out;
}

function edit(change: (manifest: Manifest) => void) {
  return async (out: string) => {
    const path = join(out, 'llm2clip.json');
    const manifest = JSON.parse(await readFile(path, 'utf8'));
    change(manifest);
    await writeFile(path, JSON.stringify(manifest));
  };
}

describe('a bundle of TensorRT for RTX', { skip: WITHOUT_TENSORRT }, () => {
  before(async () => {
    await tensorrtRtxLibrary();
    const computeCapabilities = ['8.6', '8.9', '12.0'];
    const engine = { engine: 'tensorrt-rtx', parts: ['vision'], computeCapabilities } as const;
    await convert(CHECKPOINT, { out: good, ...engine });
  });

  test('without a driver: says so', async () => {
    for (const device of ['auto', 'cuda', 'cuda:1']) {
      await assert.rejects(LLM2CLIP.load(good, { device }), {
        code: 'ERR_DEVICE_UNAVAILABLE',
        message: /TensorRT for RTX needs a GPU: expected an NVIDIA driver, found none/,
      });
    }
  });

  test('on the CPU: never', async () => {
    await assert.rejects(LLM2CLIP.load(good, { device: 'cpu' }), {
      code: 'ERR_DEVICE_UNAVAILABLE',
      message: /--engine torchscript/,
    });
  });

  const DRIVERS: Record<string, RegExp> = {
    old: /DEVICE_UNAVAILABLE.*found one for CUDA 12\.4/,
    'no-device': /DEVICE_UNAVAILABLE.*the driver found none/,
    mismatch: /DEVICE_UNAVAILABLE.*does not start/,
    // The fake GPUs have compute capabilities 9.0 and 8.9.
    ok: /ENGINE_INCOMPATIBLE: expected a GPU of compute capability 8\.6, 8\.9, 12\.0, found 9\.0 .*convert --force --engine tensorrt-rtx --compute-capability current/,
  };
  for (const [behaviour, message] of Object.entries(DRIVERS)) {
    test(`with a driver that is ${behaviour}: the engine is not read`, async () => {
      const done = await run(['encode', good, IMAGE], fakeDriver(behaviour));
      assert.equal(done.code, 1);
      assert.match(done.stderr, message);
    });
  }

  test('on a GPU that does not exist', async () => {
    const done = await run(['encode', good, IMAGE, '--device', 'cuda:7'], fakeDriver('ok'));
    assert.match(done.stderr, /ERR_DEVICE_UNAVAILABLE: expected device cuda:7, found 2 GPUs/);
  });

  test('built by another release, or by a later one', async () => {
    const older = await damaged(
      'older',
      edit(({ engine }) => {
        engine.version = '1.6.0.50';
      }),
    );
    await assert.rejects(LLM2CLIP.load(older), {
      code: 'ERR_ENGINE_INCOMPATIBLE',
      message:
        /expected an engine of TensorRT for RTX 1\.7\.1\.116, found one of 1\.6\.0\.50; .*convert --force --engine tensorrt-rtx/,
    });
  });

  test('with an unknown kind of engine, or invalid compute capabilities', async () => {
    const unknown = await damaged(
      'unknown',
      edit((manifest) => Object.assign(manifest.engine, { kind: 'openvino' })),
    );
    await assert.rejects(LLM2CLIP.load(unknown), { code: 'ERR_ENGINE_INCOMPATIBLE' });
    const odd = await damaged(
      'odd',
      edit((manifest) => Object.assign(manifest, { computeCapabilities: ['ada'] })),
    );
    await assert.rejects(LLM2CLIP.load(odd), {
      code: 'ERR_BUNDLE_INVALID',
      message: /computeCapabilities/,
    });
  });

  test('a flipped bit is found before the engine is opened', async () => {
    const flipped = await damaged('flipped', async (out) => {
      const plan = await readFile(join(out, PLAN));
      plan[plan.length >> 1] = (plan[plan.length >> 1] ?? 0) ^ 1;
      await writeFile(join(out, PLAN), plan);
    });
    await assert.rejects(LLM2CLIP.load(flipped), { code: 'ERR_BUNDLE_INVALID', message: /sha256/ });
  });

  test('without the library: the command that installs it', async () => {
    const runtime = join(folder, 'nothing');
    await assert.rejects(LLM2CLIP.load(good, { runtime }), {
      code: 'ERR_RUNTIME_MISSING',
      message:
        /found none \(no libtensorrt_rtx\.so\.1 in .*nothing\).*runtime install --tensorrt-rtx/,
    });
    await withEnvironment({ TENSORRT_RTX_ROOT: runtime }, async () => {
      await assert.rejects(LLM2CLIP.load(good), {
        code: 'ERR_RUNTIME_MISSING',
        message: /nothing/,
      });
    });
  });

  test('a library that is damaged, and one beside that of this process', async () => {
    await writeFile(join(folder, 'libtensorrt_rtx.so.1'), 'not a library');
    const done = await run(['encode', good, IMAGE], { TENSORRT_RTX_ROOT: folder });
    assert.equal(done.code, 1);
    assert.match(done.stderr, /ERR_RUNTIME_MISSING: cannot open .*libtensorrt_rtx/);
    await assert.rejects(LLM2CLIP.load(good, { runtime: folder }), {
      code: 'ERR_ENGINE_INCOMPATIBLE',
      message: /to be the only libtensorrt_rtx.so.1 .* set TENSORRT_RTX_ROOT to /,
    });
  });

  describe('imported', () => {
    const plan = join(good, PLAN);
    const base = { engine: 'tensorrt-rtx', family: 'eva02', imageSize: 56 } as const;

    test("without a GPU the caller's statements about a plan are trusted", async () => {
      const out = join(folder, 'imported');
      const manifest = await importEngine(plan, { ...base, out, embeddingDim: 64 });
      assert.equal(manifest.engine.flavour, 'imported');
      assert.deepEqual(manifest.model, { family: 'eva02', imageSize: 56, embeddingDim: 64 });
      assert.deepEqual(Object.keys(manifest.files), [PLAN]);
      // An older version of this library would assume fp32.
      assert.deepEqual([manifest.precision, manifest.formatVersion], ['unknown', 3]);
      await assert.rejects(LLM2CLIP.load(out), { code: 'ERR_DEVICE_UNAVAILABLE' });
    });

    test('its precision is what the caller states', async () => {
      const words = [
        '--precision',
        'fp16',
        '--embedding-dim',
        '64',
        '--image-size',
        '56',
        '--json',
      ];
      const out = join(folder, 'imported-fp16');
      const named = ['--engine', 'tensorrt-rtx', '--family', 'eva02', '--out', out];
      const done = await llm2clip('import', plan, ...named, ...words);
      assert.equal(done.code, 0, done.stderr);
      const { precision, formatVersion } = done.json()[0] as Manifest;
      assert.deepEqual([precision, formatVersion], ['fp16', 1]);
    });

    test("without the caller's statements the error names the remedy", async () => {
      const done = await llm2clip(
        ...['import', plan, '--engine', 'tensorrt-rtx', '--family', 'eva02'],
        ...['--image-size', '56', '--out', join(folder, 'wordless')],
      );
      assert.equal(done.code, 1);
      assert.match(done.stderr, /ERR_DEVICE_UNAVAILABLE: .*--embedding-dim/);
    });

    test('a file that is no plan', async () => {
      for (const [name, content] of [
        ['text', 'x'.repeat(4096)],
        ['short', 'x'],
        ['empty', ''],
      ] as const) {
        const file = join(folder, `${name}.plan`);
        await writeFile(file, content);
        const out = join(folder, `from-${name}`);
        await assert.rejects(importEngine(file, { ...base, out, embeddingDim: 64 }), {
          code: 'ERR_ENGINE_INCOMPATIBLE',
          message: /expected a plan of TensorRT for RTX/,
        });
      }
    });
  });
});

describe('TensorRT', () => {
  test('is never installed: the error says where it was searched for, and names the alternative', async () => {
    await withEnvironment({ TENSORRT_ROOT: folder }, async () => {
      const expected = {
        code: 'ERR_RUNTIME_MISSING',
        message:
          /expected TensorRT 11, found none \(no libnvinfer\.so\.11 in .*TENSORRT_ROOT.*tensorrt-rtx/,
      };
      const wanted = { out: join(folder, 'never'), engine: 'tensorrt' } as const;
      await assert.rejects(convert(CHECKPOINT, wanted), expected);
      // A file with this suffix is taken for a TensorRT plan unless the caller says otherwise.
      await writeFile(join(folder, 'its.plan'), 'x');
      const imported = { out: join(folder, 'never'), family: 'eva02', imageSize: 56 } as const;
      await assert.rejects(importEngine(join(folder, 'its.plan'), imported), expected);
    });
  });

  test("Triton's configuration names the plan's own tensors", () => {
    const engine = { ...CONTENT.engine, kind: 'tensorrt', operators: 0 } as const;
    const text = tritonConfig('vision', { ...CONTENT, engine }) ?? '';
    assert.match(text, /^name: "vision"\nplatform: "tensorrt_plan"\nmax_batch_size: 8\n/);
    assert.match(text, /name: "pixel_values" data_type: TYPE_FP32 dims: \[ 3, 56, 56 \]/);
    assert.match(text, /name: "embedding" data_type: TYPE_FP32 dims: \[ 64 \]/);
    assert.doesNotMatch(text, /LD_PRELOAD/);
    const rtx = { ...engine, kind: 'tensorrt-rtx' } as const;
    assert.equal(tritonConfig('vision', { ...CONTENT, engine: rtx }), undefined);
  });
});
