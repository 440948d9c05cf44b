// Tests that images are preprocessed as the files beside a checkpoint state, bit for bit as by
// transformers, timm and open_clip (see tools/make-preprocessing-goldens.py).
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { LLM2CLIP } from 'llm2clip';
import type { Origin } from '#lib/checkpoint/layouts/layout';
import { resolvePreprocessing } from '#lib/checkpoint/preprocessing/resolve';
import { cropOf } from '#lib/heat-map/crop';
import type { Box } from '#lib/heat-map/paint';
import { decodeImage } from '#lib/image/index';
import { CLIP_MEAN, CLIP_STD, type Preprocessing } from '#lib/image/preprocessing';
import { loadNative, type RawPixels } from '#lib/native';
import { throwsWith } from './support/checkpoint-errors.mts';
import { statedFile } from './support/checkpoint-table.mts';
import { llm2clip } from './support/cli.mts';
import { convertModel } from './support/device.mts';
import { CHECKPOINT } from './support/digits.mts';
import { image, sha256 } from './support/images.mts';
import { temporaryFolder } from './support/temporary.mts';

type Files = Record<string, Record<string, unknown>>;

interface Case {
  name: string;
  /** Width and height that the weights are for, in pixels. */
  size: number;
  files: Files;
  /** sha256 of float32 [3, S, S], by the image's name. */
  pictures: Record<string, string>;
}

const { cases } = JSON.parse(
  readFileSync(new URL('./fixtures/preprocessing/golden.json', import.meta.url), 'utf8'),
) as { cases: Case[] };

function resolve(files: Files, size: number, layout: Origin = 'transformers') {
  const stated = Object.entries(files).map(([name, content]) => statedFile(name, content));
  return resolvePreprocessing({ stated }, layout, size);
}

describe('the same numbers as by', () => {
  const decoded = new Map<string, RawPixels>();
  before(async () => {
    const options = { maxPixels: 1e9, autoOrient: false, transfer: false };
    for (const name of Object.keys(cases[0]?.pictures ?? {})) {
      decoded.set(name, await decodeImage(image(name), options));
    }
  });

  for (const { name, size, files, pictures: images } of cases) {
    test(name, async () => {
      const { preprocessing } = resolve(files, size);
      const wrong: string[] = [];
      for (const [file, expected] of Object.entries(images)) {
        const pixels = decoded.get(file) as RawPixels;
        const floats = await loadNative().preprocess(pixels, preprocessing);
        if (sha256(floats) !== expected) wrong.push(file);
      }
      assert.deepEqual(wrong, []);
    });
  }
});

describe('which file is used', () => {
  const fields = (mean: number) => ({ mean: [mean, mean, mean] });
  const files: Files = {
    'config.json': { architecture: 'eva02', pretrained_cfg: fields(0.1) },
    'open_clip_config.json': { preprocess_cfg: fields(0.2) },
    'preprocessor_config.json': { image_mean: fields(0.3).mean },
    'processor_config.json': { image_processor: { image_mean: fields(0.4).mean } },
  };
  const asked = (layout: Origin, ...without: string[]) => {
    const left = Object.entries(files).filter(([name]) => !without.includes(name));
    const { preprocessing, source } = resolve(Object.fromEntries(left), 28, layout);
    return [preprocessing.mean[0], source];
  };

  test("first the file of the checkpoint's own layout", () => {
    assert.deepEqual(asked('timm'), [0.1, 'config.json, pretrained_cfg']);
    assert.deepEqual(asked('open_clip'), [0.2, 'open_clip_config.json, preprocess_cfg']);
    assert.deepEqual(asked('transformers'), [0.4, 'processor_config.json, image_processor']);
  });

  test('then another file', () => {
    const newest = 'processor_config.json';
    assert.deepEqual(asked('transformers', newest), [0.3, 'preprocessor_config.json']);
    const none = [newest, 'preprocessor_config.json'];
    assert.equal(asked('transformers', ...none)[0], 0.2);
    assert.equal(asked('transformers', ...none, 'open_clip_config.json')[0], 0.1);
    assert.equal(asked('timm', 'config.json')[0], 0.4);
  });

  test("a processor's file without an image processor is ignored; without any file, CLIP's own is used", () => {
    const silent: Files = {
      'config.json': { architectures: ['CLIPModel'], vision_config: {} },
      'processor_config.json': { processor_class: 'CLIPProcessor' },
    };
    const clip = { size: 28, resample: 'bicubic', mean: CLIP_MEAN, std: CLIP_STD };
    for (const none of [silent, {}]) {
      const { preprocessing, source } = resolve(none, 28);
      assert.deepEqual(preprocessing, clip);
      assert.match(source, /no file states it/);
    }
  });
});

describe('what is refused, by name', () => {
  const processor = (content: Record<string, unknown>): Files => ({
    'preprocessor_config.json': content,
  });
  const timm = (pretrained_cfg: Record<string, unknown>): Files => ({
    'config.json': { pretrained_cfg },
  });
  const openClip = (preprocess_cfg: Record<string, unknown>): Files => ({
    'open_clip_config.json': { preprocess_cfg },
  });
  const mismatch = 'ERR_CHECKPOINT_MISMATCH';
  const unsupported = 'ERR_CHECKPOINT_UNSUPPORTED';
  const square = (edge: number) => ({ height: edge, width: edge });
  const wrong: [Files, typeof mismatch | typeof unsupported, RegExp][] = [
    [processor({ crop_size: { height: 28, width: 14 } }), mismatch, /"crop_size"/],
    [processor({ crop_size: 224 }), mismatch, /"crop_size" is "224".*28 × 28/],
    [processor({ size: square(32), do_center_crop: false }), mismatch, /"size"/],
    [processor({ size: 14, crop_size: 28 }), unsupported, /"size".*at least the crop's 28/],
    [processor({ size: { height: 28, width: 14 } }), unsupported, /"size".*equal/],
    [processor({ size: { longest_edge: 28 } }), unsupported, /"size"/],
    [processor({ size: { shortest_edge: 28 }, do_center_crop: false }), unsupported, /centre crop/],
    [processor({ resample: 6 }), unsupported, /"resample" is "6".*lanczos/],
    [processor({ resample: 'cubic' }), unsupported, /"resample"/],
    [processor({ do_resize: false }), unsupported, /do_resize/],
    [processor({ do_pad: true }), unsupported, /do_pad/],
    [processor({ rescale_offset: true }), unsupported, /rescale_offset/],
    [processor({ rescale_factor: '1/255' }), unsupported, /rescale_factor/],
    [processor({ image_mean: [1, 2] }), unsupported, /image_mean.*three numbers/],
    [processor({ image_std: [1, 0, 1] }), unsupported, /image_std.*positive/],
    [processor({ image_processor_type: 'Siglip2ImageProcessor' }), unsupported, /Siglip2/],
    [processor({ image_processor_type: 'Qwen2VLImageProcessor' }), unsupported, /Qwen2VL.*CLIP/],
    [
      processor({ image_processor_type: 'ConvNextImageProcessor', size: square(28) }),
      unsupported,
      /edge/,
    ],
    [timm({ input_size: [3, 32, 32] }), mismatch, /input_size/],
    [timm({ crop_mode: 'border' }), unsupported, /crop_mode.*center or squash/],
    [timm({ crop_pct: 1.2 }), unsupported, /crop_pct/],
    [timm({ crop_border_pixels: 3 }), unsupported, /crop_border_pixels/],
    [timm({ interpolation: 'random' }), unsupported, /interpolation/],
    [openClip({ resize_mode: 'longest' }), unsupported, /resize_mode.*shortest or squash/],
    [openClip({ mode: 'L' }), unsupported, /mode/],
    [openClip({ size: [28, 32] }), mismatch, /size/],
  ];
  for (const [files, code, pattern] of wrong) {
    test(JSON.stringify(files), () => throwsWith(() => resolve(files, 28), code, pattern));
  }
});

describe('a bundle', () => {
  /** Makes a folder with the checkpoint of the digits, for images of 56 pixels, and this file. */
  const folderWith = (name: string, content: object): string => {
    const folder = mkdtempSync(join(temporaryFolder(), 'stated-'));
    copyFileSync(CHECKPOINT, join(folder, 'digits.pt'));
    writeFileSync(join(folder, name), JSON.stringify(content));
    return folder;
  };
  const pretrained_cfg = {
    ...{ input_size: [3, 56, 56], crop_mode: 'squash', crop_pct: 0.9, interpolation: 'lanczos' },
    ...{ mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6] },
  };
  const expected: Preprocessing = {
    ...{ size: 56, resample: 'lanczos', mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6] },
    ...{ resize: 62, squash: true, crop: 'half-even' },
  };

  test('records the preprocessing and applies it; convert and inspect show it and its source', async () => {
    const folder = folderWith('config.json', { architecture: 'eva02', pretrained_cfg });
    const out = join(folder, 'out');
    const converted = await llm2clip('convert', folder, '--out', out, '--precision', 'fp32');
    assert.equal(converted.code, 0, converted.stderr);
    const inspected = await llm2clip('inspect', out);
    for (const { stdout } of [converted, inspected, await llm2clip('inspect', folder)]) {
      assert.match(stdout, /squashed to 62 × 62, lanczos, centre crop of 56 \(half-even\)/);
      assert.match(stdout, /mean 0\.1 0\.2 0\.3, deviation 0\.4 0\.5 0\.6/);
      assert.match(stdout, /stated by +config\.json, pretrained_cfg/);
    }
    const manifest = JSON.parse(readFileSync(join(out, 'llm2clip.json'), 'utf8'));
    assert.equal(manifest.formatVersion, 2);
    assert.deepEqual(manifest.preprocessing, expected);

    await using model = await LLM2CLIP.load(out, { device: 'cpu' });
    const options = { maxPixels: 1e9, autoOrient: false, transfer: false };
    const pixels = await decodeImage(image('portrait-tall.jpg'), options);
    const pixelValues = await loadNative().preprocess(pixels, expected);
    assert.deepEqual(
      await model.encodeImage(image('portrait-tall.jpg')),
      await model.encodeImage({ pixelValues, shape: [3, 56, 56] }),
    );
  });

  test("with CLIP's own preprocessing is readable by older versions", async () => {
    const folder = folderWith('open_clip_config.json', { model_cfg: {} });
    const { formatVersion, preprocessing, source } = await convertModel(folder, {
      ...{ out: join(folder, 'out'), precision: 'fp32' },
    });
    assert.equal(formatVersion, 1);
    assert.deepEqual(preprocessing, {
      ...{ size: 56, resample: 'bicubic', mean: CLIP_MEAN, std: CLIP_STD },
    });
    assert.match(source?.preprocessing ?? '', /no file states it/);
  });

  test('with an invalid preprocessing is refused, naming the field', async () => {
    const folder = folderWith('config.json', { architecture: 'eva02', pretrained_cfg });
    const out = join(folder, 'out');
    const manifest = await convertModel(folder, { out, precision: 'fp32' });
    for (const [field, value] of [
      ['resample', 'cubic'],
      ['resize', 55],
      ['resize', 1e9],
      ['squash', 'yes'],
      ['crop', 'ceil'],
      ['rescale', 0],
    ] as const) {
      const preprocessing = { ...manifest.preprocessing, [field]: value };
      writeFileSync(join(out, 'llm2clip.json'), JSON.stringify({ ...manifest, preprocessing }));
      await assert.rejects(LLM2CLIP.load(out), {
        code: 'ERR_BUNDLE_INVALID',
        message: new RegExp(`preprocessing\\.${field}`),
      });
    }
  });
});

describe('the image below a heat map', () => {
  const framings: Omit<Preprocessing, 'resample' | 'mean' | 'std'>[] = [
    { size: 56 },
    { size: 56, resize: 64 },
    { size: 56, squash: true },
    { size: 56, resize: 71, squash: true, crop: 'half-even' },
    { size: 56, resize: 63, crop: 'half-even' },
  ];
  /** Makes a black image that is white inside the box, enlarged by `margin`. */
  const whiteWithin = (width: number, height: number, box: Box, margin: number): RawPixels => {
    const data = new Uint8Array(width * height);
    const [left, top] = [box.left - margin, box.top - margin].map(Math.round) as [number, number];
    const right = Math.round(box.left + box.width + margin);
    const bottom = Math.round(box.top + box.height + margin);
    for (let y = Math.max(0, top); y < Math.min(height, bottom); y++) {
      data.fill(255, y * width + Math.max(0, left), y * width + Math.min(width, right));
    }
    return { data, width, height, channels: 1 };
  };

  for (const framing of framings) {
    test(`is what the model sees: ${JSON.stringify(framing)}`, async () => {
      for (const [width, height] of [
        [400, 300],
        [301, 403],
        [250, 250],
      ] as const) {
        const box = cropOf({ width, height }, framing, { width, height });
        const seen = async (margin: number) => {
          const { size } = framing;
          const how: Preprocessing = {
            ...framing,
            ...{ resample: 'nearest', mean: [0, 0, 0], std: [1, 1, 1] },
          };
          const floats = await loadNative().preprocess(
            whiteWithin(width, height, box, margin),
            how,
          );
          return [0, size - 1, size * (size - 1), size * size - 1].map((corner) => floats[corner]);
        };
        assert.deepEqual(await seen(2), [1, 1, 1, 1]);
        // Twelve pixels of the image are more than one pixel that the model sees.
        assert.deepEqual(await seen(-12), [0, 0, 0, 0]);
      }
    });
  }
});
