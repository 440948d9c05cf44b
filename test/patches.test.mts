// Tests the patches of vision towers' layers against timm and transformers.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Precision } from 'llm2clip';
import { type ImageInput, importEngine, type LLM2CLIP, type Patches } from 'llm2clip';
import type { LayoutName } from '../tools/synthetic/layouts.mts';
import type { Preset } from '../tools/synthetic/presets.mts';
import { syntheticCheckpoint } from './support/checkpoints.mts';
import { assertSame, convertModel, loadModel, onDevice, withoutInt8 } from './support/device.mts';
import {
  FAKE_DIM,
  FAKE_TOWER,
  fakeBundle,
  fakePackage,
  fakePixels,
  POISON,
  requireFake,
} from './support/fake-engine.mts';
import { assertClose, FP32, photograph, REDUCED, type Tolerance } from './support/goldens.mts';
import { HeldModel } from './support/held-model.mts';
import { temporaryFolder } from './support/temporary.mts';
import { until } from './support/until.mts';

/** A golden that tools/make-patch-goldens.py writes. */
interface Golden {
  seed: number;
  photograph: string;
  /** Indexes in the grid of the patches that the golden holds. */
  kept: number[];
  /** Patches by layer, and in the space of the embeddings. They are not normalised. */
  layers: Record<string, number[][]>;
}

const LAYOUTS = {
  'eva02-tiny': 'official',
  'clip-tiny': 'hf-openai',
  'siglip2-tiny': 'timm-siglip2',
} as const satisfies Partial<Record<Preset, LayoutName>>;
type TinyPreset = keyof typeof LAYOUTS;
const PRESETS = Object.keys(LAYOUTS) as TinyPreset[];

/** Tolerance between two runs of an image in batches of different sizes. */
const ALIKE = onDevice('fp32', { cosine: 0, difference: 1e-5 });

const folder = temporaryFolder();

function readPatchGolden(preset: TinyPreset): Golden {
  const path = new URL(`./fixtures/goldens/patches-${preset}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')) as Golden;
}

/** Returns a bundle, which is converted only once. */
async function bundleOf(preset: TinyPreset, options: { precision: Precision; portable?: boolean }) {
  const { seed } = readPatchGolden(preset);
  const layout = LAYOUTS[preset];
  const out = join(folder, `${preset}-${options.precision}-${options.portable ?? false}`);
  if (existsSync(out)) return out;
  const dtype = 'f32';
  const checkpoint = await syntheticCheckpoint({ preset, layout, format: 'torch', dtype, seed });
  const calibrate = options.precision === 'int8' ? { calibrate: [photograph('china.jpg')] } : {};
  await convertModel(checkpoint, { out, ...options, ...calibrate });
  return out;
}

/** Returns one patch by its index in the grid, which is read row by row. */
function patchOf({ at, shape }: Patches, i: number): Float32Array {
  return at(Math.floor(i / shape[1]), i % shape[1]);
}

interface Case {
  precision: Precision;
  portable?: boolean;
  tolerance: Tolerance;
}

const CASES: Case[] = [
  { precision: 'fp32', tolerance: FP32 },
  { precision: 'fp32', portable: true, tolerance: FP32 },
  { precision: 'bf16', tolerance: REDUCED },
  { precision: 'bf16', portable: true, tolerance: REDUCED },
  { precision: 'int8', tolerance: { cosine: 0.99 } },
];

for (const preset of PRESETS) {
  for (const { tolerance, ...options } of CASES) {
    const flavour = options.portable ? 'portable' : 'native';
    const skip = withoutInt8(options.precision);
    test(`${preset} in ${options.precision}, ${flavour}: every layer`, { skip }, async () => {
      const golden = readPatchGolden(preset);
      await using model = await loadModel(await bundleOf(preset, options), { threads: 2 });
      const image = photograph(golden.photograph);
      const embedding = await model.encodeImage(image, { normalize: false });
      for (const [name, expected] of Object.entries(golden.layers)) {
        const layer = name === 'embeddings' ? {} : { layer: Number(name) };
        const asked = { output: 'patches', normalize: false, ...layer } as const;
        const patches = await model.encodeImage(image, asked);
        assert.deepEqual(patches.shape, [4, 4, expected[0]?.length]);
        assert.equal(patches.data.length, 16 * (expected[0]?.length ?? 0));
        for (const [i, patch] of golden.kept.entries()) {
          assertClose(
            patchOf(patches, patch),
            expected[i] as number[],
            onDevice(options.precision, tolerance),
          );
        }
      }
      // Both outputs use the same weights.
      const again = await model.encodeImage(image, { normalize: false });
      assertSame(again, embedding, options.precision);
    });
  }
}

describe('patches of one model', () => {
  let model: LLM2CLIP;
  let bundle: string;
  before(async () => {
    bundle = await bundleOf('eva02-tiny', { precision: 'fp32' });
    model = await loadModel(bundle, { threads: 2 });
  });
  after(() => model.dispose());
  const image = photograph('china.jpg');
  const patches = (options: { layer?: number; normalize?: boolean } = {}) =>
    model.encodeImage(image, { output: 'patches', ...options });

  test('layers can be counted from the end', async () => {
    const [last, first] = await Promise.all([patches({ layer: -1 }), patches({ layer: -4 })]);
    assertSame(last.data, (await patches({ layer: 3 })).data);
    assertSame(first.data, (await patches({ layer: 0 })).data);
    assert.notDeepEqual(last.data, first.data);
  });

  test('patches among the embeddings are normalised one by one, hidden states are not', async () => {
    const [space, raw] = await Promise.all([patches(), patches({ normalize: false })]);
    for (let i = 0; i < 16; i++) {
      const length = Math.hypot(...patchOf(raw, i));
      assert.ok(Math.abs(Math.hypot(...patchOf(space, i)) - 1) < 1e-6);
      const unit = patchOf(raw, i).map((x) => x / length);
      assertClose(patchOf(space, i), unit, ALIKE);
    }
    const hidden = await patches({ layer: 2 });
    assertSame(hidden.data, (await patches({ layer: 2, normalize: false })).data);
    assert.ok(Math.abs(Math.hypot(...hidden.at(0, 0)) - 1) > 1e-3);
    const length = Math.hypot(...(await patches({ layer: 2, normalize: true })).at(3, 3));
    assert.ok(Math.abs(length - 1) < 1e-6);
  });

  test('concurrent calls give the same results as single ones', async () => {
    const inputs: ImageInput[] = [image, photograph('flower.jpg'), photograph('wide.jpg')];
    const asked = [{}, { output: 'patches' }, { output: 'patches', layer: 1 }] as const;
    const pairs = inputs.flatMap((input) => asked.map((options) => ({ input, options })));
    const encode = ({ input, options }: (typeof pairs)[number]) =>
      model.encodeImage(input, options as object) as Promise<Float32Array | Patches>;
    const together = await Promise.all(pairs.map(encode));
    for (const [i, pair] of pairs.entries()) {
      const [found, alone] = [together[i], await encode(pair)].map((result) =>
        result instanceof Float32Array ? result : (result as Patches).data,
      ) as [Float32Array, Float32Array];
      assertClose(found, alone, ALIKE);
    }
  });

  test('a patch outside the grid is refused', async () => {
    const { at, data } = await patches();
    assert.equal(at(3, 3).buffer, data.buffer);
    for (const [row, column] of [
      [4, 0],
      [0, -1],
      [0.5, 0],
    ] as const) {
      assert.throws(() => at(row, column), RangeError);
    }
  });

  test('invalid requests are refused by name', async () => {
    const ask = (options: object) => model.encodeImage(image, options as never);
    const invalid = (named: string, name = 'RangeError', code = 'ERR_INVALID_ARG') => ({
      name,
      code,
      message: new RegExp(`for options.${named}`),
    });
    for (const layer of [4, -5, 1.5]) {
      await assert.rejects(ask({ output: 'patches', layer }), invalid('layer'));
    }
    await assert.rejects(ask({ output: 'patches', layer: '1' }), invalid('layer', 'TypeError'));
    await assert.rejects(ask({ layer: 1 }), invalid('layer'));
    await assert.rejects(ask({ output: 'tokens' }), invalid('output'));
    const out = new Float32Array(16 * 64 - 1);
    const short = invalid('out', 'RangeError', 'ERR_INVALID_BUFFER');
    await assert.rejects(ask({ output: 'patches', out }), short);
    const many = { output: 'patches' } as object;
    await assert.rejects(model.encodeImages([image], many), invalid('output'));
    await assert.rejects(model.embedStream([image], many).next(), invalid('output'));
  });

  test('an imported engine gives only embeddings', async () => {
    const out = join(folder, 'imported');
    const options = { family: 'eva02', imageSize: 56, precision: 'fp32' } as const;
    const portable = await bundleOf('eva02-tiny', { precision: 'fp32', portable: true });
    await importEngine(join(portable, 'vision/1/model.pt'), { out, ...options });
    await using imported = await loadModel(out);
    await assert.rejects(imported.encodeImage(image, { output: 'patches' }), {
      code: 'ERR_ENGINE_INCOMPATIBLE',
      message: /convert the checkpoint again .* torchscript/,
    });
  });
});

// Tests rows 9 and 10 of FAULTS.md with an engine that the test holds and releases.
describe('patches in flight', () => {
  const fake = requireFake(fakePackage(join(folder, 'package')));
  const { width } = FAKE_TOWER;
  const LENGTH = 16 * width;
  const hold = () => HeldModel.load(folder, { maxBatch: 4 }, LENGTH);
  const ask = (model: LLM2CLIP, first: number, options: object = {}) => {
    const asked = { output: 'patches', layer: -1, ...options } as const;
    return model.encodeImage(fakePixels(first), asked) as Promise<Patches>;
  };

  test('each batch has one kind of output, and priorities are kept', async () => {
    await using held = await hold();
    const { model, gate } = held;
    await held.occupy();
    const order: string[] = [];
    const note = async (name: string, work: Promise<Float32Array | Patches>) => {
      const result = await work;
      order.push(name);
      const data = result instanceof Float32Array ? result : result.data;
      return [...data.subarray(0, 3)];
    };
    const raw = { normalize: false };
    const asked = [
      note('layer 2', ask(model, 2, { layer: 2 })),
      note('layer 2', ask(model, 3, { layer: 2 })),
      note('embedding', model.encodeImage(fakePixels(4), raw)),
      note('layer 1', ask(model, 5, { layer: 1, priority: 1 })),
    ];
    await held.waitFor({ inBatches: 3, queued: 2 });
    gate.release(); // the run that occupies the engine
    for (const settled of [2, 3, 4]) {
      gate.release();
      await until(() => order.length === settled, `${settled} results`);
    }
    assert.deepEqual(await Promise.all(asked), [
      [2, 2, 2],
      [3, 2, 2],
      [4, 1, 1],
      [5, 1, 1],
    ]);
    assert.deepEqual(order, ['layer 2', 'layer 2', 'layer 1', 'embedding']);
  });

  test("the caller's memory is used, and its detachment is reported", async () => {
    await using held = await hold();
    const { model, gate } = held;
    const out = new Float32Array(LENGTH + 5).fill(7);
    const gone = new Float32Array(LENGTH);
    const [kept, lost] = [ask(model, 6, { out }), ask(model, 7, { out: gone })];
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    gate.open();
    const { data, shape } = await kept;
    assert.equal(data.buffer, out.buffer);
    assert.equal(data.length, LENGTH);
    assert.deepEqual(shape, [4, 4, width]);
    assert.deepEqual([...out.subarray(LENGTH)], [7, 7, 7, 7, 7]);
    await assert.rejects(lost, { name: 'RangeError', code: 'ERR_INVALID_BUFFER' });
    assert.equal((await ask(model, 8)).data[0], 8);
  });

  test('a poisoned image, an abort and a time-out do not affect other calls', async () => {
    await using held = await hold();
    const { model, gate } = held;
    await held.occupy();
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = assert.rejects(ask(model, 9, { signal }), { name: 'AbortError' });
    const poisoned = assert.rejects(ask(model, POISON), { code: 'ERR_INTERNAL' });
    const late = assert.rejects(ask(model, 10, { timeoutMs: 1 }), { code: 'ERR_TIMEOUT' });
    const others = [11, 12, 13].map((first) => ask(model, first));
    controller.abort();
    await Promise.all([aborted, late]);
    gate.open();
    await poisoned;
    assert.deepEqual(
      (await Promise.all(others)).map(({ data }) => data[0]),
      [11, 12, 13],
    );
  });

  test('the error for an engine from before patches existed names the remedy', async () => {
    const bundle = await fakeBundle(join(folder, 'old'), 0, 4, 0);
    await using old = await fake.LLM2CLIP.load(bundle);
    await assert.rejects(old.encodeImage(fakePixels(1), { output: 'patches' }), {
      code: 'ERR_ENGINE_INCOMPATIBLE',
      message: /convert the checkpoint again .* torchscript/,
    });
    assert.equal((await old.encodeImage(fakePixels(1))).length, FAKE_DIM);
  });

  test("an engine whose output differs from its bundle's manifest is refused", async () => {
    const bundle = await fakeBundle(join(folder, 'other'), 0, 4, LENGTH - width);
    await using other = await fake.LLM2CLIP.load(bundle);
    await assert.rejects(other.encodeImage(fakePixels(1), { output: 'patches', layer: 0 }), {
      code: 'ERR_ENGINE_INCOMPATIBLE',
    });
  });

  test('dispose() waits for patches, and refuses further calls', async () => {
    await using held = await hold();
    const { model, gate } = held;
    const last = ask(model, 3, { layer: 0 });
    let disposed = false;
    const disposing = model.dispose().then(() => {
      disposed = true;
    });
    await gate.waitForRuns(1);
    assert.equal(disposed, false);
    gate.open();
    await disposing;
    assert.equal((await last).data[0], 3);
    await assert.rejects(ask(model, 3), { code: 'ERR_DISPOSED' });
  });
});
