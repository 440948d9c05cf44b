// Tests which layers of an int8 engine stay in bf16, with a fake engine whose results are given.
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { beforeEach, describe, test } from 'node:test';
import { LLM2CLIPError } from 'llm2clip';
import { buildCalibrated, type CalibratedBuild } from '#lib/convert/calibration';
import type { BuildSpec, ImagesSpec, LayerCalibration } from '#lib/native';
import { PRESETS } from '../tools/synthetic/presets.mts';
import { convertModel } from './support/device.mts';
import { CHECKPOINT } from './support/digits.mts';
import { temporaryFolder } from './support/temporary.mts';

const CONFIG = { ...PRESETS['eva02-tiny'], embeddingDim: 2 };
const IMAGES = 3;
const unit = (cosine: number) => [cosine, Math.sqrt(1 - cosine ** 2)];

const root = temporaryFolder();
let folder: string;
let output: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'bundle-'));
  output = join(folder, 'model.pt');
});

/** The results of a fake engine, and a hook for its calls. */
interface Fake {
  /** For each layer, the cosine of its output. */
  layers: readonly number[];
  /**
   * For each layer, the lowest cosine of the embeddings with only that layer in int8. Default:
   * `layers`.
   */
  effects?: readonly number[];
  /** Returns the lowest cosine of an engine with `kept` layers in bf16. */
  parity: (kept: number) => number;
  /** Called before each step. */
  onStep?: (step: string) => void;
}

const nameOf = (i: number) => `blocks.${i}.weight`;
const indexOf = (name: string) => Number(name.split('.')[1]);

function fakeEngine({ layers, effects = layers, parity, onStep = () => {} }: Fake) {
  const builds: BuildSpec[] = [];
  const ranked: { spec: ImagesSpec; names: string[] }[] = [];
  const steps: string[] = [];
  const begin = (step: string) => {
    steps.push(step);
    onStep(step);
  };
  const keptIn = async (file: string) => {
    const { quantisation } = JSON.parse(await readFile(file, 'utf8')) as BuildSpec;
    return quantisation.filter(({ quantised }) => !quantised).length;
  };
  const engine: CalibratedBuild['engine'] & CalibratedBuild['observer'] = {
    async build(spec) {
      begin(`build ${spec.precision}`);
      builds.push(spec);
      await writeFile(spec.output, JSON.stringify(spec), { flag: 'wx' });
      return { parameters: 1000, computeCapabilities: [] };
    },
    async calibrate({ file, threads, imageSize }) {
      begin('calibrate');
      assert.ok(threads >= 1);
      assert.equal(imageSize, CONFIG.imageSize);
      assert.equal(await keptIn(file), 0);
      const embeddings = Float32Array.from({ length: 2 * IMAGES }, (_, i) => (i + 1) % 2);
      const smoothing = Float32Array.of(1, 2);
      const found = layers.map((cosine, i): LayerCalibration => {
        return { name: nameOf(i), cosine, smoothing: i % 2 === 0 ? smoothing : null };
      });
      return { embeddings, layers: found };
    },
    async layerEffects(spec, some) {
      begin('layer effects');
      assert.equal((JSON.parse(await readFile(spec.file, 'utf8')) as BuildSpec).observe, true);
      const names = some.map(({ name }) => name);
      ranked.push({ spec, names });
      for (const { name, smoothing } of some) {
        assert.equal(smoothing === null, indexOf(name) % 2 === 1);
      }
      return names.map((name) => effects[indexOf(name)] as number);
    },
    async embed({ file }) {
      begin('embed');
      const least = parity(await keptIn(file));
      // The second row is three times as long, which does not change the cosine.
      const rows = [unit(1), unit(least).map((x) => 3 * x), unit(1)];
      return Float32Array.from(rows.flat());
    },
  };
  return { engine, builds, ranked, steps };
}

function run(
  engine: CalibratedBuild['engine'] & CalibratedBuild['observer'],
  rest: Partial<CalibratedBuild> = {},
) {
  return buildCalibrated({
    ...{
      engine,
      observer: engine,
      config: CONFIG,
      weights: [],
      output,
      pixels: Float32Array.of(10, 11, 12),
    },
    ...{ force: false, signal: undefined, onProgress: () => {}, ...rest },
  });
}

const keptOf = ({ quantisation }: Pick<BuildSpec, 'quantisation'>) =>
  quantisation.filter(({ quantised }) => !quantised).map(({ name }) => name);

/** Twenty layers, each worse than the one before, except that layer 3 is the worst. */
const LAYERS = Array.from({ length: 20 }, (_, i) => (i === 3 ? 0.9 : 1 - i / 1000));

describe('which layers stay in bf16', () => {
  test('none, if all layers in int8 meet the gate', async () => {
    const { engine, builds, steps } = fakeEngine({ layers: LAYERS, parity: () => 0.9951 });
    const { parameters, quantisation } = await run(engine);
    assert.equal(parameters, 1000);
    assert.deepEqual(steps, ['build fp32', 'calibrate', 'build int8', 'embed']);
    const [observed, int8] = builds as [BuildSpec, BuildSpec];
    assert.deepEqual([observed.observe, observed.quantisation], [true, []]);
    assert.deepEqual([int8.observe, int8.portable], [false, false]);
    assert.deepEqual(
      int8.quantisation.slice(0, 2).map(({ smoothing }) => smoothing),
      [Float32Array.of(1, 2), null],
    );
    assert.equal(quantisation.pictures, IMAGES);
    assert.equal(quantisation.gate, 0.995);
    assert.ok(Math.abs(quantisation.minCosine - 0.9951) < 1e-6);
    assert.equal(quantisation.allInt8MinCosine, quantisation.minCosine);
    const layers = LAYERS.map((cosine, i) => ({ name: nameOf(i), precision: 'int8', cosine }));
    assert.deepEqual(quantisation.layers, layers);
  });

  test('the layers that move the embeddings most, and no more than the gate needs', async () => {
    const parity = (kept: number) => (kept >= 2 ? 0.996 : 0.99 + kept / 1000);
    // Judged by their own outputs, the layers would have the opposite order.
    const layers = LAYERS.toReversed();
    const { engine, builds, ranked } = fakeEngine({ layers, effects: LAYERS, parity });
    const { quantisation } = await run(engine);
    assert.deepEqual(
      ranked.flatMap(({ names }) => names),
      LAYERS.map((_, i) => nameOf(i)),
    );
    // Layers are ranked by two images: the one with the lowest cosine, and one of the others.
    for (const { spec } of ranked) {
      assert.deepEqual(spec.pixels, Float32Array.of(11, 10));
      assert.equal(spec.imageSize, CONFIG.imageSize);
    }
    assert.deepEqual(
      quantisation.layers.map(({ cosine }) => cosine),
      layers,
    );
    const expected = [[], [nameOf(3)], [nameOf(3), nameOf(19)]];
    assert.deepEqual(builds.slice(1).map(keptOf), expected);
    const last = builds.at(-1) as BuildSpec;
    assert.equal(last.quantisation.find(({ quantised }) => !quantised)?.smoothing, null);
    const inBf16 = quantisation.layers.filter(({ precision }) => precision === 'bf16');
    assert.deepEqual(
      inBf16.map(({ name }) => name),
      expected.at(-1),
    );
    assert.ok(Math.abs(quantisation.allInt8MinCosine - 0.99) < 1e-6);
    assert.ok(Math.abs(quantisation.minCosine - 0.996) < 1e-6);
    assert.deepEqual(keptOf(JSON.parse(await readFile(output, 'utf8'))), expected.at(-1));
  });

  test('ERR_PARITY and no file, if two fifths of the layers are not enough', async () => {
    const { engine, builds } = fakeEngine({ layers: LAYERS, parity: (kept) => 0.99 + kept / 1e4 });
    await assert.rejects(run(engine), {
      name: 'LLM2CLIPError',
      code: 'ERR_PARITY',
      message:
        /at least 0\.995 of each of 3 images, found 0\.990\d{3} at best, with 8 of 20 layers/,
    });
    assert.deepEqual(
      builds.slice(1).map((spec) => keptOf(spec).length),
      [0, 1, 2, 4, 8],
    );
    assert.deepEqual(await readdir(folder), []);
  });

  test('force accepts the best attempt', async () => {
    const parity = (kept: number) => (kept === 2 ? 0.994 : 0.98);
    const { engine } = fakeEngine({ layers: LAYERS, parity });
    const { quantisation } = await run(engine, { force: true });
    assert.ok(Math.abs(quantisation.minCosine - 0.994) < 1e-6);
    assert.equal(keptOf(JSON.parse(await readFile(output, 'utf8'))).length, 2);
  });

  test('of few layers, each number of layers is tried once', async () => {
    const { engine, builds } = fakeEngine({ layers: [0.9, 0.8, 0.7], parity: () => 0.9 });
    await assert.rejects(run(engine), { code: 'ERR_PARITY' });
    const expected = [[], [nameOf(2)], [nameOf(1), nameOf(2)]];
    assert.deepEqual(builds.slice(1).map(keptOf), expected);
  });

  test('NaN counts as the worst result, and no NaN is recorded', async () => {
    const layers = [0.5, Number.NaN, 1 + 1e-9];
    const effects = [0.9, Number.NaN, -0.9];
    const parity = (kept: number) => (kept === 0 ? Number.NaN : 0.999);
    const { engine } = fakeEngine({ layers, effects, parity });
    const { quantisation } = await run(engine);
    assert.equal(quantisation.allInt8MinCosine, -1);
    assert.deepEqual(
      quantisation.layers.map(({ cosine, precision }) => [cosine, precision]),
      [
        [0.5, 'int8'],
        [-1, 'bf16'],
        [1, 'int8'],
      ],
    );
  });
});

describe('during the calibration', () => {
  const never = { layers: LAYERS, parity: () => 0.9 };
  const STEPS = 2 + 2 + 3 + 2 * 4;

  test('the observed engine is deleted after the ranking, and one int8 file is kept', async () => {
    const most: number[] = [];
    const { engine } = fakeEngine(never);
    const watched = {
      ...engine,
      async build(spec: BuildSpec) {
        const there = await readdir(join(spec.output, '..'));
        most.push(there.length);
        const observed = there.some((name) => name.includes('observed'));
        assert.equal(observed, most.length === 2);
        return engine.build(spec);
      },
    };
    await run(watched, { force: true });
    assert.deepEqual(most, [0, 1, 1, 1, 1, 1]);
    assert.deepEqual(await readdir(folder), [basename(output)]);
  });

  test('an abort ends the calibration before the next step, and leaves nothing', async () => {
    const reason = new Error('enough');
    for (let last = 1; last <= STEPS; last++) {
      const controller = new AbortController();
      let count = 0;
      const onStep = () => {
        count += 1;
        if (count === last) controller.abort(reason);
      };
      const { engine, steps } = fakeEngine({ ...never, onStep });
      await assert.rejects(run(engine, { force: true, signal: controller.signal }), reason);
      assert.equal(steps.length, last);
      assert.deepEqual(await readdir(folder), []);
    }
  });

  test('a native failure becomes an error of this library, and leaves nothing', async () => {
    for (const failing of ['build fp32', 'calibrate', 'build int8', 'embed', 'layer effects']) {
      const onStep = (step: string) => {
        if (step === failing) throw Object.assign(new Error('full'), { code: 'ERR_OUT_OF_MEMORY' });
      };
      const { engine } = fakeEngine({ ...never, onStep });
      await assert.rejects(run(engine), (error) => {
        return error instanceof LLM2CLIPError && error.code === 'ERR_OUT_OF_MEMORY';
      });
      assert.deepEqual(await readdir(folder), []);
    }
  });

  test('progress never decreases, from the ranking of layers to building', async () => {
    const told: { stage: string; fraction: number }[] = [];
    const { engine } = fakeEngine(never);
    await run(engine, { force: true, onProgress: (progress) => told.push(progress) });
    const stages = told.map(({ stage }) => stage);
    assert.deepEqual(stages, [
      ...['calibrate', 'calibrate', 'build'],
      ...['calibrate', 'calibrate', 'calibrate'],
      ...Array(4).fill('build'),
    ]);
    const fractions = told.map(({ fraction }) => fraction);
    assert.deepEqual(
      fractions,
      fractions.toSorted((a, b) => a - b),
    );
    assert.ok(Math.min(...fractions) >= 0 && Math.max(...fractions) < 0.7);
  });
});

describe('arguments', () => {
  const place = temporaryFolder();
  const WRONG: [string, object, string, RegExp][] = [
    ['int8 without images', { precision: 'int8' }, 'TypeError', /--calibrate FOLDER/],
    ['no places', { precision: 'int8', calibrate: [] }, 'RangeError', /at least one/],
    ['a number', { precision: 'int8', calibrate: 7 }, 'TypeError', /a path .* received 7/],
    ['an empty path', { precision: 'int8', calibrate: ['a', ''] }, 'TypeError', /a path/],
    ['another precision', { calibrate: 'a' }, 'RangeError', /precision bf16.*only int8/],
    [
      'portable',
      { precision: 'int8', calibrate: 'a', portable: true },
      'RangeError',
      /false with precision int8.*options\.portable/,
    ],
  ];
  for (const [name, options, type, message] of WRONG) {
    test(name, async () => {
      const converting = convertModel(CHECKPOINT, { out: join(place, 'never'), ...options });
      await assert.rejects(converting, { name: type, code: 'ERR_INVALID_ARG', message });
    });
  }

  test('paths without images', async () => {
    const junk = join(place, 'junk');
    await mkdir(junk);
    const converting = (calibrate: string | string[]) =>
      convertModel(CHECKPOINT, { out: join(place, 'never'), precision: 'int8', calibrate });
    await assert.rejects(converting(junk), { code: 'ERR_NOT_FOUND', message: /found none/ });
    await writeFile(join(junk, 'a.jpg'), 'no image');
    await assert.rejects(converting([junk]), {
      code: 'ERR_NOT_FOUND',
      message: /expected images that decode in .*junk, found none/,
    });
    await assert.rejects(converting([junk, join(place, 'typo')]), {
      code: 'ERR_NOT_FOUND',
      message: /at .*typo, found nothing there/,
    });
    assert.deepEqual(await readdir(place), ['junk']);
  });
});
