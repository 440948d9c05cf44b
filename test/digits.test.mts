// The tower trained on handwritten digits: what it learned survives every precision and flavour.
import assert from 'node:assert/strict';
import { basename, join } from 'node:path';
import { before, test } from 'node:test';
import { convert, LLM2CLIP, type Precision } from 'llm2clip';
import { CHECKPOINT, DIGITS, digits, goldenDigits } from './support/digits.mts';
import { temporaryFolder } from './support/temporary.mts';
import { cosine } from './support/vectors.mts';

const ACCURACY = 0.95;
/** DESIGN.md's parity gates. */
const GATES: Record<Precision, number> = { fp32: 0.99999, bf16: 0.999, fp16: 0.999, int8: 0.995 };

const folder = temporaryFolder();
const label = (path: string) => basename(path)[0];

/** The share of held-out digits whose nearest neighbour in the gallery shows the same digit. */
async function accuracy(model: LLM2CLIP): Promise<number> {
  const [known, heldOut] = [digits('gallery'), digits('heldout')];
  const gallery = await model.encodeImages(known);
  const embeddings = await model.encodeImages(heldOut);
  const right = heldOut.filter((path, i) => {
    const similarities = known.map((_, j) => cosine(embeddings.row(i), gallery.row(j)));
    const nearest = similarities.indexOf(Math.max(...similarities));
    return label(path) === label(known[nearest] as string);
  });
  return right.length / heldOut.length;
}

/** What fp32 reaches, which the others may fall short of by half a point. */
let fp32: number;
before(async () => {
  const out = join(folder, 'reference');
  await convert(CHECKPOINT, { out, precision: 'fp32' });
  await using model = await LLM2CLIP.load(out);
  fp32 = await accuracy(model);
});

const CASES: { precision: Precision; portable: boolean }[] = [
  ...(['fp32', 'bf16', 'fp16'] as const).flatMap((precision) =>
    [false, true].map((portable) => ({ precision, portable })),
  ),
  { precision: 'int8', portable: false },
];

for (const { precision, portable } of CASES) {
  const name = `${precision}, ${portable ? 'portable' : 'native'}`;
  test(name, async (t) => {
    const out = join(folder, name);
    const calibrate = precision === 'int8' ? { calibrate: join(DIGITS, 'gallery') } : {};
    await convert(CHECKPOINT, { out, precision, portable, ...calibrate });
    await using model = await LLM2CLIP.load(out);
    assert.equal(model.info.storedPrecision, precision);

    const reached = await accuracy(model);
    t.diagnostic(`${(100 * reached).toFixed(1)} % of the nearest neighbours are right`);
    assert.ok(reached >= ACCURACY);
    assert.ok(reached >= fp32 - 0.005 - 1e-9, `${reached}, where fp32 reaches ${fp32}`);

    const golden = goldenDigits();
    assert.ok(golden.size >= 10);
    const paths = [...golden.keys()].map((path) => join(DIGITS, path));
    const embeddings = await model.encodeImages(paths);
    for (const [i, expected] of [...golden.values()].entries()) {
      const similarity = cosine(embeddings.row(i), expected);
      assert.ok(similarity >= GATES[precision], `${paths[i]}: cosine ${similarity}`);
    }
  });
}
