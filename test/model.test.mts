// Tests LLM2CLIP as DESIGN.md describes it: inputs, options, errors and disposal.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type ImageInput, LLM2CLIP, LLM2CLIPError } from 'llm2clip';
import sharp from 'sharp';
import { decodeImage } from '#lib/image/index';
import { loadNative } from '#lib/native';
import {
  ABSENT,
  assertSame,
  convertModel,
  DEVICE,
  ENGINE,
  loadModel,
  ON_GPU,
  onDevice,
} from './support/device.mts';
import { CHECKPOINT, digits } from './support/digits.mts';
import { assertClose } from './support/goldens.mts';
import { temporaryFolder } from './support/temporary.mts';

const folder = temporaryFolder();
const bundle = join(folder, 'digits.bundle');
const images = digits('heldout');
const [image, other] = images as [string, string];
const DIM = 64;
const SIZE = 56;

let model: LLM2CLIP;
before(async () => {
  await convertModel(CHECKPOINT, { out: bundle, precision: 'fp32' });
  model = await loadModel(bundle, { threads: 2 });
});
after(() => model.dispose());

const norm = (x: Float32Array) => Math.hypot(...x);
/** Tolerance between an image alone and the same image in a batch. */
const ALIKE = onDevice('fp32', { cosine: 0, difference: 1e-5 });

/**
 * Asserts that the promise rejects with this error. A synchronous throw fails the test by itself.
 */
function assertRejects(promise: Promise<unknown>, name: string, code: string): Promise<void> {
  return assert.rejects(promise, (error: Error & { code?: string }) => {
    assert.equal(`${error.name} ${error.code}`, `${name} ${code}`);
    assert.ok(error.stack?.includes('model.test.mts'), 'the caller is in the stack');
    return true;
  });
}

async function rawPixels() {
  const { data, info } = await sharp(image)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: 3 as const };
}

async function pixelValues() {
  const pixels = await decodeImage(image, { maxPixels: 1e6, autoOrient: false, transfer: false });
  const { preprocessing } = JSON.parse(readFileSync(join(bundle, 'llm2clip.json'), 'utf8'));
  return {
    pixelValues: await loadNative().preprocess(pixels, preprocessing),
    shape: [1, 3, SIZE, SIZE],
  };
}

describe('info', () => {
  test('describes what really runs', () => {
    const { info } = model;
    assert.equal(info.bundle, bundle);
    assert.equal(info.family, 'eva02');
    assert.equal(info.imageSize, SIZE);
    assert.equal(info.embeddingDim, DIM);
    assert.ok(info.parameters > 100_000);
    const { kind, flavour, version } = info.engine;
    assert.deepEqual([kind, flavour], [ENGINE ?? 'torchscript', 'native']);
    assert.match(version, kind === 'cpu' ? /^1$/ : /^2\.11\.0/);
    assert.equal(info.precision, 'fp32');
    assert.ok(info.device.startsWith(DEVICE), info.device);
    assert.equal(info.threads, 2);
    assert.ok(info.kernels.length > 0);
  });

  test("'auto' reports what it chose and why, also to the logger", async () => {
    const lines: { level: string; fields: Record<string, unknown> }[] = [];
    const logger = (level: string, _message: string, fields: Record<string, unknown>) =>
      lines.push({ level, fields });
    await using auto = await LLM2CLIP.load(bundle, { device: 'auto', logger });
    const { device } = auto.info;
    assert.ok(device.startsWith(ON_GPU ? 'cuda:' : 'cpu'), device);
    assert.match(auto.info.deviceReason, /auto/);
    assert.ok(lines.some(({ level, fields }) => level === 'info' && fields.device === device));
  });
});

describe('inputs', () => {
  test('a path, its bytes, its pixels and its preprocessed pixels are the same image', async () => {
    const expected = await model.encodeImage(image);
    const bytes = readFileSync(image);
    const inputs: ImageInput[] = [
      bytes,
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
      await rawPixels(),
      await pixelValues(),
    ];
    for (const input of inputs) assertSame(await model.encodeImage(input), expected);
    assert.equal(expected.length, DIM);
  });

  test('many images give the same embeddings as single ones', async () => {
    const { data, shape, row, errors } = await model.encodeImages(images.slice(0, 20));
    assert.deepEqual(shape, [20, DIM]);
    assert.equal(data.length, 20 * DIM);
    assert.equal(errors.size, 0);
    for (const [i, path] of images.slice(0, 20).entries()) {
      const alone = await model.encodeImage(path);
      assertClose(row(i), alone, ALIKE);
    }
    assert.throws(() => row(20), RangeError);
  });

  test('no input gives no rows', async () => {
    const { data, shape } = await model.encodeImages([]);
    assert.deepEqual(shape, [0, DIM]);
    assert.equal(data.length, 0);
  });

  test('inputs that are no images', async () => {
    const { pixelValues: values } = await pixelValues();
    const shape = [1, 3, SIZE, SIZE];
    const invalid: [unknown, string, string][] = [
      [7, 'TypeError', 'ERR_INVALID_ARG'],
      [null, 'TypeError', 'ERR_INVALID_ARG'],
      [undefined, 'TypeError', 'ERR_INVALID_ARG'],
      [{}, 'TypeError', 'ERR_INVALID_ARG'],
      [
        { data: new Uint8Array(12), width: 2, height: 2, channels: 5 },
        'RangeError',
        'ERR_INVALID_ARG',
      ],
      [
        { data: new Uint8Array(11), width: 2, height: 2, channels: 3 },
        'RangeError',
        'ERR_INVALID_BUFFER',
      ],
      [{ pixelValues: values.subarray(1), shape }, 'RangeError', 'ERR_INVALID_BUFFER'],
    ];
    for (const [input, name, code] of invalid) {
      await assertRejects(model.encodeImage(input as ImageInput), name, code);
    }
    const empty = new Uint8Array(0);
    await assertRejects(model.encodeImage(empty), 'LLM2CLIPError', 'ERR_IMAGE_CORRUPT');
    await assertRejects(model.encodeImage(folder), 'LLM2CLIPError', 'ERR_IO');
    await assertRejects(model.encodeImage(join(folder, 'none')), 'LLM2CLIPError', 'ERR_NOT_FOUND');
    await model.encodeImage(image);
  });
});

describe('options', () => {
  test('normalize', async () => {
    const unit = await model.encodeImage(image);
    const raw = await model.encodeImage(image, { normalize: false });
    assert.ok(Math.abs(norm(unit) - 1) < 1e-6);
    assert.ok(Math.abs(norm(raw) - 1) > 1e-3);
    for (const [i, x] of raw.entries()) {
      assert.ok(Math.abs(x / norm(raw) - (unit[i] as number)) < 1e-6);
    }
  });

  test('out is filled and returned', async () => {
    const expected = await model.encodeImage(image);
    const out = new Float32Array(DIM + 1).fill(7);
    assert.equal(await model.encodeImage(image, { out }), out);
    assertSame(out.subarray(0, DIM), expected);
    assert.equal(out[DIM], 7, 'nothing is written beyond');

    const all = new Float32Array(2 * DIM);
    const { data } = await model.encodeImages([other, image], { out: all });
    assert.equal(data.buffer, all.buffer);
    assertClose(all.subarray(DIM), expected, ALIKE);
  });

  test('out that is too small, or detached during the call', async () => {
    const small = { out: new Float32Array(DIM - 1) };
    await assertRejects(model.encodeImage(image, small), 'RangeError', 'ERR_INVALID_BUFFER');
    await assertRejects(
      model.encodeImages([image, other], { out: new Float32Array(DIM) }),
      'RangeError',
      'ERR_INVALID_BUFFER',
    );
    const out = new Float32Array(DIM);
    const pending = model.encodeImage(image, { out });
    structuredClone(out.buffer, { transfer: [out.buffer] });
    await assertRejects(pending, 'RangeError', 'ERR_INVALID_BUFFER');
  });

  test('of the wrong type', async () => {
    const wrong: [unknown, string][] = [
      [7, 'TypeError'],
      [{ normalize: 'yes' }, 'TypeError'],
      [{ out: [] }, 'TypeError'],
      [{ signal: {} }, 'TypeError'],
    ];
    for (const [options, name] of wrong) {
      await assertRejects(model.encodeImage(image, options as object), name, 'ERR_INVALID_ARG');
    }
    const sometimes = { onError: 'sometimes' } as object;
    await assertRejects(model.encodeImages([image], sometimes), 'RangeError', 'ERR_INVALID_ARG');
    await assertRejects(
      model.encodeImages('cat' as unknown as string[]),
      'TypeError',
      'ERR_INVALID_ARG',
    );
  });

  test('load options of the wrong type', async () => {
    const wrong: [unknown, string][] = [
      [{ device: 'toaster' }, 'RangeError'],
      [{ device: 7 }, 'TypeError'],
      [{ threads: 0 }, 'RangeError'],
      [{ threads: 1.5 }, 'RangeError'],
      [{ batching: { maxBatch: 0 } }, 'RangeError'],
      [{ logger: 'loud' }, 'TypeError'],
      [{ image: { maxPixels: -1 } }, 'RangeError'],
    ];
    for (const [options, name] of wrong) {
      await assertRejects(LLM2CLIP.load(bundle, options as object), name, 'ERR_INVALID_ARG');
    }
    await assertRejects(LLM2CLIP.load(7 as unknown as string), 'TypeError', 'ERR_INVALID_ARG');
    await assertRejects(LLM2CLIP.load(''), 'TypeError', 'ERR_INVALID_ARG');
  });

  test('an explicit device never falls back', async () => {
    const absent = LLM2CLIP.load(bundle, { device: ABSENT });
    await assertRejects(absent, 'LLM2CLIPError', 'ERR_DEVICE_UNAVAILABLE');
  });
});

describe('errors among many', () => {
  const broken = [image, '/nowhere.png', other];

  test('the first rejects', async () => {
    const { signal } = new AbortController();
    await assertRejects(model.encodeImages(broken), 'LLM2CLIPError', 'ERR_NOT_FOUND');
    await assertRejects(model.encodeImages(broken, { signal }), 'LLM2CLIPError', 'ERR_NOT_FOUND');
  });

  test("with onError: 'collect' the other embeddings and the error are returned", async () => {
    const { row, errors } = await model.encodeImages(broken, { onError: 'collect' });
    assert.deepEqual([...errors.keys()], [1]);
    assert.equal((errors.get(1) as LLM2CLIPError).code, 'ERR_NOT_FOUND');
    assert.ok(row(1).every(Number.isNaN));
    assert.ok(row(0).every(Number.isFinite) && row(2).every(Number.isFinite));
  });
});

describe('abort', () => {
  const reason = new Error('changed my mind');

  test('before', async () => {
    const signal = AbortSignal.abort(reason);
    await assert.rejects(model.encodeImage(image, { signal }), reason);
    await assert.rejects(model.encodeImages([image], { signal, onError: 'collect' }), reason);
  });

  test('during a call, the rest of the queue continues', async () => {
    const controller = new AbortController();
    const dropped = model.encodeImages(images, { signal: controller.signal });
    const kept = model.encodeImages(images.slice(0, 10));
    setImmediate(() => controller.abort(reason));
    await assert.rejects(dropped, reason);
    assert.equal((await kept).errors.size, 0);
  });

  test('after a call, nothing happens', async () => {
    const controller = new AbortController();
    const embedding = await model.encodeImage(image, { signal: controller.signal });
    controller.abort(reason);
    assert.equal(embedding.length, DIM);
  });
});

describe('the end', () => {
  test('dispose waits for pending calls, may be called twice, and ends the model', async () => {
    const brief = await loadModel(bundle);
    const underWay = [brief.encodeImage(image), brief.encodeImage(other)];
    await Promise.all([brief.dispose(), brief.dispose()]);
    for (const embedding of await Promise.all(underWay)) assert.equal(embedding.length, DIM);
    await assertRejects(brief.encodeImage(image), 'LLM2CLIPError', 'ERR_DISPOSED');
    await assertRejects(brief.encodeImages([image]), 'LLM2CLIPError', 'ERR_DISPOSED');
    await brief[Symbol.asyncDispose]();
    assert.equal(brief.info.embeddingDim, DIM);
  });

  test('loading and disposing twenty times', async () => {
    const expected = await model.encodeImage(image);
    for (let i = 0; i < 20; i++) {
      await using brief = await loadModel(bundle, { threads: 1 + (i % 2) });
      assertSame(await brief.encodeImage(image), expected);
    }
  });

  test('several models do not disturb each other', async () => {
    const expected = await model.encodeImage(image);
    const models = await Promise.all([1, 2, 3].map(() => loadModel(bundle, { threads: 1 })));
    const found = await Promise.all(models.map((one) => one.encodeImage(image)));
    // The models share an engine, so the images may have shared a batch.
    for (const embedding of found) assertClose(embedding, expected, ALIKE);
    await Promise.all(models.map((one) => one.dispose()));
  });

  test('a missing bundle or checkpoint is refused', async () => {
    const missing = join(folder, 'missing');
    const out = join(folder, 'of-missing');
    await assertRejects(convertModel(missing, { out }), 'LLM2CLIPError', 'ERR_NOT_FOUND');
    await assertRejects(LLM2CLIP.load(missing), 'LLM2CLIPError', 'ERR_NOT_FOUND');
    assert.ok(!existsSync(missing));
    const error = await LLM2CLIP.load(missing).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof LLM2CLIPError && error instanceof Error);
  });
});
