// Tests heat maps against NumPy's arithmetic and matplotlib's colours, pixel by pixel.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { type HeatMapOptions, heatMap, LLM2CLIP, type Patches } from 'llm2clip';
import sharp from 'sharp';
import type { paint as Paint } from '#lib/heat-map/paint';
import { llm2clip } from './support/cli.mts';
import { photograph } from './support/goldens.mts';
import { temporaryFolder } from './support/temporary.mts';
import { wholeBundle } from './support/text-bundle.mts';

/** A golden that tools/make-heat-map-goldens.py writes, with numbers in base64. */
interface Golden {
  imageSize: number;
  texts: Record<string, string>;
  grids: Record<string, { shape: [number, number, number]; data: string }>;
  pictures: Record<string, { width: number; height: number; data: string }>;
  cases: (Omit<HeatMapOptions, 'image'> & {
    grid: string;
    text?: string;
    image?: string;
    size: [number, number];
    rgb: string;
  })[];
}

const golden = JSON.parse(
  readFileSync(new URL('./fixtures/goldens/heat-maps.json', import.meta.url), 'utf8'),
) as Golden;

const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));
const floatsOf = (base64: string) => new Float32Array(bytesOf(base64).buffer);
const textOf = (name: string) => floatsOf(golden.texts[name] ?? '');

function patchesOf(name: string): Patches {
  const { shape, data } = golden.grids[name] as Golden['grids'][string];
  return { shape, data: floatsOf(data), imageSize: golden.imageSize } as unknown as Patches;
}

function imageOf(name: string) {
  const { data, ...size } = golden.pictures[name] as Golden['pictures'][string];
  return { ...size, data: bytesOf(data), channels: 3 as const };
}

async function pixelsOf(png: Uint8Array) {
  const { format } = await sharp(png).metadata();
  assert.equal(format, 'png');
  return sharp(png).raw().toBuffer({ resolveWithObject: true });
}

for (const { grid, text = 'some', image, size, rgb, ...rest } of golden.cases) {
  const said = JSON.stringify({ grid, text, image, ...rest });
  test(`the map of ${said}`, async () => {
    const options = image === undefined ? rest : { ...rest, image: imageOf(image) };
    const { data, info } = await pixelsOf(await heatMap(patchesOf(grid), textOf(text), options));
    assert.deepEqual([info.width, info.height, info.channels], [...size, 3]);
    const expected = Buffer.from(rgb, 'base64');
    assert.equal(data.length, expected.length);
    // At the border of two colours, the last bit of a double may decide.
    const wrong = expected.filter((byte, i) => Math.abs(byte - (data[i] as number)) > 0).length;
    assert.ok(wrong <= expected.length / 200, `${wrong} bytes of ${expected.length} differ`);
  });
}

test('a map over a file equals that over its pixels, and may have another size', async () => {
  const { data, ...size } = imageOf('landscape');
  const png = await sharp(data, { raw: size }).png().toBuffer();
  const patches = patchesOf('square');
  const [ofFile, ofPixels] = await Promise.all(
    [png, { data, ...size }].map((image) => heatMap(patches, textOf('some'), { image })),
  );
  assert.deepEqual(ofFile, ofPixels);
  const wider = await heatMap(patches, textOf('some'), { image: png, width: 90 });
  const { info } = await pixelsOf(wider);
  assert.deepEqual([info.width, info.height], [90, 60]);
});

test('painting a large map lets the event loop turn', async (t) => {
  const painter = createRequire(import.meta.url)('#lib/heat-map/paint') as { paint: typeof Paint };
  const { paint } = painter;
  let turns = 0;
  t.mock.method(painter, 'paint', async (...given: Parameters<typeof Paint>) => {
    const count = () => {
      turns += 1;
      turning = setImmediate(count);
    };
    let turning = setImmediate(count);
    await paint(...given);
    clearImmediate(turning);
  });
  await heatMap(patchesOf('square'), textOf('some'), { width: 1000 });
  // The map has a million pixels, and the event loop turns after every 65,536 of them, at the end
  // of a line.
  assert.ok(turns > 10, `${turns} turns`);
});

test('invalid input is refused by name', async () => {
  const patches = patchesOf('square');
  const text = textOf('some');
  const draw = (options: object, given: unknown = patches, vector: unknown = text) =>
    heatMap(given as Patches, vector as Float32Array, options);
  const invalid = (named: string, name = 'RangeError', code = 'ERR_INVALID_ARG') => ({
    name,
    code,
    message: new RegExp(`for ${named}`),
  });
  await assert.rejects(draw({ width: 0 }), invalid('options.width'));
  await assert.rejects(draw({ height: 1e9 }), invalid('options.height'));
  const thin = { data: new Uint8Array(300), width: 1, height: 100, channels: 3 };
  await assert.rejects(draw({ image: thin, width: 16_384 }), invalid('options.width'));
  const flat = { ...thin, width: 100, height: 1 };
  await assert.rejects(draw({ image: flat, height: 16_384 }), invalid('options.height'));
  await assert.rejects(draw({ opacity: 2 }), invalid('options.opacity'));
  await assert.rejects(draw({ opacity: '1' }), invalid('options.opacity', 'TypeError'));
  await assert.rejects(draw({ colors: 'jet' }), invalid('options.colors'));
  await assert.rejects(draw({ range: [1, 1] }), invalid('options.range'));
  await assert.rejects(draw({ range: 1 }), invalid('options.range', 'TypeError'));
  await assert.rejects(draw({ image: 7 }), invalid('image', 'TypeError'));
  await assert.rejects(draw({}, { data: text }), invalid('patches', 'TypeError'));
  const short = { ...patches, data: patches.data.subarray(1) };
  await assert.rejects(
    draw({}, short),
    invalid('patches.data', 'RangeError', 'ERR_INVALID_BUFFER'),
  );
  const long = new Float32Array(9);
  await assert.rejects(
    draw({}, patches, long),
    invalid('text', 'RangeError', 'ERR_INVALID_BUFFER'),
  );
  await assert.rejects(draw({}, patches, [1]), invalid('text', 'TypeError'));
  await assert.rejects(
    draw(
      {},
      patches,
      text.map(() => Number.NaN),
    ),
    invalid('patches and text', 'RangeError', 'ERR_INVALID_BUFFER'),
  );
  await assert.rejects(draw({ image: 'nowhere.jpg' }), { code: 'ERR_NOT_FOUND' });
});

describe('of a whole model', () => {
  const folder = temporaryFolder();
  const image = photograph('wide.jpg');
  const text = 'a river';
  let bundle: string;
  before(async () => {
    bundle = await wholeBundle(folder);
  });
  const command = (name: string, ...words: string[]) =>
    llm2clip('heatmap', bundle, image, '--text', text, '--out', join(folder, name), ...words);

  test('the command draws the same map as the API', async () => {
    await using model = await LLM2CLIP.load(bundle, { device: 'cpu' });
    const patches = await model.encodeImage(image, { output: 'patches' });
    const embedding = await model.encodeText(text);
    const { code, stderr, json } = await command('over.png', '--json');
    assert.equal(code, 0, stderr);
    assert.deepEqual(json(), [{ image, text, out: join(folder, 'over.png') }]);
    const over = await heatMap(patches, embedding, { image });
    assert.deepEqual(readFileSync(join(folder, 'over.png')), over);
    const words = ['--no-overlay', '--width', '48', '--colors', 'viridis'];
    assert.equal((await command('alone.png', ...words)).code, 0);
    const alone = await heatMap(patches, embedding, { width: 48, colors: 'viridis' });
    assert.deepEqual(readFileSync(join(folder, 'alone.png')), alone);
  });

  test('wrong options and missing images leave no file', async () => {
    for (const words of [
      ['--colors', 'jet'],
      ['--opacity', '2'],
      ['--width', '0'],
    ]) {
      assert.equal((await command('wrong.png', ...words)).code, 2, words.join(' '));
    }
    assert.equal((await command('wrong.jpg')).code, 2);
    const out = join(folder, 'missing.png');
    const missing = await llm2clip('heatmap', bundle, 'no.jpg', '--text', text, '--out', out);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /ERR_NOT_FOUND/);
    assert.ok(!existsSync(out));
  });
});
