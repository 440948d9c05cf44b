// Tests the precision of an engine made elsewhere: it is read from the file or stated by the
// caller.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { convert, type ImportOptions, importEngine } from 'llm2clip';
import type { Report } from '#lib/bench/record';
import { GATES } from '#lib/eval/parity';
import { infoOf, type OpenedParts } from '#lib/model/model-info';
import type { Requests } from '#lib/model/requests';
import { resolveLoadOptions } from '#lib/options';
import { CONTENT } from './support/bundle-content.mts';
import { llm2clip } from './support/cli.mts';
import { loadModel } from './support/device.mts';
import { CHECKPOINT, IMAGES } from './support/digits.mts';
import { temporaryFolder } from './support/temporary.mts';

const PRECISIONS = ['fp32', 'bf16', 'fp16'] as const;
const SHAPE = { family: 'eva02', imageSize: 56 } as const;

const folder = temporaryFolder();
const made = (precision: string) => join(folder, `made-${precision}`);
const imported = (precision: string) => join(folder, `imported-${precision}`);

/** Imports the engine file of a bundle in that precision. */
function wrap(precision: string, options: Partial<ImportOptions> = {}) {
  const file = join(made(precision), 'vision/1/model.pt');
  return importEngine(file, { ...SHAPE, out: imported(precision), ...options });
}

describe('a TorchScript file made elsewhere', () => {
  before(async () => {
    for (const precision of PRECISIONS) {
      await convert(CHECKPOINT, { out: made(precision), precision, portable: true });
      const manifest = await wrap(precision);
      assert.equal(manifest.precision, precision);
    }
  });

  for (const precision of PRECISIONS) {
    test(`in ${precision} shows its precision`, async () => {
      await using model = await loadModel(imported(precision));
      assert.equal(model.info.precision, precision);
      assert.equal(model.info.storedPrecision, precision);
    });
  }

  test("with this project's own operators shows what they compute in", async () => {
    await convert(CHECKPOINT, { out: made('native'), precision: 'fp32', parts: ['vision'] });
    assert.equal((await wrap('native')).precision, 'fp32');
  });

  test('a stated precision that differs from the shown one is refused', async () => {
    await assert.rejects(wrap('bf16', { out: join(folder, 'never'), precision: 'fp32' }), {
      code: 'ERR_ENGINE_INCOMPATIBLE',
      message: /expected an engine that computes in fp32, found one in bf16/,
    });
    await wrap('bf16', { out: join(folder, 'said'), precision: 'bf16' });
  });

  describe('llm2clip bench', () => {
    const brief = ['--scenario', 'single-stream', '--duration', '0.1', '--min-queries', '18'];
    const bench = (bundle: string, reference: string) =>
      llm2clip(
        ...['bench', bundle, '--reference', reference, ...brief],
        ...['--images', join(IMAGES, 'gallery'), '--json'],
      );

    test('applies the gate of its precision', async () => {
      const { json, code, stderr } = await bench(imported('bf16'), imported('fp32'));
      assert.equal(code, 0, stderr);
      const [run] = (json()[0] as Report).runs;
      assert.equal(run?.configuration.precision, 'bf16');
      assert.equal(run?.parity?.gate, GATES.bf16);
    });

    test('accepts it as the reference only in fp32', async () => {
      const { code, stderr } = await bench(imported('fp32'), imported('bf16'));
      assert.equal(code, 2);
      assert.match(stderr, /expected a bundle in fp32 for --reference/);
    });
  });
});

test('for a plan, which does not show it, the manifest decides', () => {
  const vision = { device: 'cuda:0', precision: '', kernels: [], givesPatches: false };
  const session = { info: { vision } };
  const { preprocessing, model: tower } = CONTENT;
  const opened = {
    choice: { device: 'cuda:0', reason: 'asked for', automatic: false },
    engine: { version: '11.0.0' },
    vision: { requests: { session } as unknown as Requests, preprocessing, tower },
    text: undefined,
    maxBatch: 1,
  } as unknown as OpenedParts;
  for (const precision of ['fp16', 'unknown'] as const) {
    const engine = {
      kind: 'tensorrt',
      flavour: 'imported',
      version: '11.0.0',
      operators: 0,
    } as const;
    const manifest = { ...CONTENT, engine, precision, formatVersion: 3, files: {} };
    const info = infoOf('plan.bundle', manifest, opened, resolveLoadOptions({}));
    assert.deepEqual([info.precision, info.storedPrecision], [precision, precision]);
  }
});
