// Tests the model that was trained on handwritten digits and captions: every precision and flavour
// keeps its accuracy.
import assert from 'node:assert/strict';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import {
  classEmbeddings,
  classProbabilities,
  type Embeddings,
  fillTemplates,
  type LLM2CLIP,
  type Precision,
  similarity,
} from 'llm2clip';
import { convertModel, loadModel, onDevice, withoutInt8 } from './support/device.mts';
import {
  CHECKPOINT,
  digits,
  goldenDigits,
  goldenTexts,
  IMAGES,
  LLM,
  zeroShotPrompts,
} from './support/digits.mts';
import { once } from './support/once.mts';
import { temporaryFolder } from './support/temporary.mts';
import { cosine } from './support/vectors.mts';

const ACCURACY = 0.95;
/** Largest loss of accuracy of another precision compared with fp32: half a point. */
const LOSS = 0.005;
/** The parity gates of DESIGN.md. */
const GATES: Record<Precision, number> = { fp32: 0.99999, bf16: 0.999, fp16: 0.999, int8: 0.995 };

const folder = temporaryFolder();
const label = (path: string) => Number(basename(path)[0]);

interface Accuracy {
  zeroShot: number;
  nearestNeighbour: number;
}

/** Returns the share of held-out digits whose best column is their label. */
function share(data: Float32Array, labels: readonly number[]): number {
  const right = digits('heldout').filter((path, i) => {
    const row = data.subarray(i * labels.length, (i + 1) * labels.length);
    return labels[row.indexOf(Math.max(...row))] === label(path);
  });
  return right.length / digits('heldout').length;
}

/**
 * Measures accuracy by zero-shot classification with held-out prompts, and by the nearest neighbour
 * in the gallery.
 */
async function accuracy(model: LLM2CLIP): Promise<Accuracy> {
  const known = digits('gallery');
  const gallery = await model.encodeImages(known);
  const heldOut = await model.encodeImages(digits('heldout'));
  const { classes, templates } = zeroShotPrompts();
  const texts = await model.encodeTexts(fillTemplates(classes, templates));
  const labels = classEmbeddings(texts, templates.length);
  return {
    zeroShot: share(classProbabilities(heldOut, labels).data, [...classes.keys()]),
    nearestNeighbour: share((await similarity(heldOut, gallery)).data, known.map(label)),
  };
}

function assertParity(found: Embeddings, expected: Map<string, number[]>, gate: number): void {
  assert.ok(expected.size >= 10);
  for (const [i, [name, golden]] of [...expected].entries()) {
    const reached = cosine(found.row(i), golden);
    assert.ok(reached >= gate, `${JSON.stringify(name.slice(0, 40))}: cosine ${reached}`);
  }
}

interface Case {
  precision: Precision;
  portable: boolean;
}

/** Converts a bundle of this kind and measures it. */
const measured = once(async ({ precision, portable }: Case) => {
  const out = join(folder, `${precision}, ${portable}`);
  const calibrate = precision === 'int8' ? { calibrate: join(IMAGES, 'gallery') } : {};
  await convertModel(CHECKPOINT, { out, llm: LLM, precision, portable, ...calibrate });
  await using model = await loadModel(out);
  const paths = [...goldenDigits().keys()].map((path) => join(IMAGES, path));
  return {
    storedPrecision: model.info.storedPrecision,
    reached: await accuracy(model),
    images: await model.encodeImages(paths),
    texts: await model.encodeTexts([...goldenTexts().keys()]),
  };
});

const CASES: Case[] = [
  ...(['fp32', 'bf16', 'fp16'] as const).flatMap((precision) =>
    [false, true].map((portable) => ({ precision, portable })),
  ),
  { precision: 'int8', portable: false },
];

for (const { precision, portable } of CASES) {
  const name = `${precision}, ${portable ? 'portable' : 'native'}`;
  test(name, { skip: withoutInt8(precision) }, async (t) => {
    const { reached: fp32 } = await measured({ precision: 'fp32', portable: false });
    const found = await measured({ precision, portable });
    assert.equal(found.storedPrecision, precision);
    for (const [kind, value] of Object.entries(found.reached)) {
      const least = fp32[kind as keyof Accuracy] - LOSS - 1e-9;
      t.diagnostic(`${kind}: ${(100 * value).toFixed(1)} % are right`);
      assert.ok(value >= ACCURACY, kind);
      assert.ok(value >= least, `${kind} ${value}, where fp32 reaches ${JSON.stringify(fp32)}`);
    }

    const gate = onDevice(precision, { cosine: GATES[precision] }).cosine;
    assertParity(found.images, goldenDigits(), gate);
    assertParity(found.texts, goldenTexts(), gate);
  });
}
