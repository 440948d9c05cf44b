// The tower trained on handwritten digits: what it learned survives every precision and flavour.
import assert from 'node:assert/strict';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { convert, LLM2CLIP, type Precision } from 'llm2clip';
import { CHECKPOINT, DIGITS, digits, goldenDigits } from './support/digits.mts';
import { temporaryFolder } from './support/temporary.mts';
import { cosine } from './support/vectors.mts';

const ACCURACY = 0.95;
/** DESIGN.md's parity gates. */
const GATES: Record<Precision, number> = { fp32: 0.99999, bf16: 0.999, fp16: 0.999 };

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

for (const precision of ['fp32', 'bf16', 'fp16'] as const) {
  for (const portable of [false, true]) {
    const name = `${precision}, ${portable ? 'portable' : 'native'}`;
    test(name, async (t) => {
      const out = join(folder, name);
      await convert(CHECKPOINT, { out, precision, portable });
      await using model = await LLM2CLIP.load(out);

      const reached = await accuracy(model);
      t.diagnostic(`${(100 * reached).toFixed(1)} % of the nearest neighbours are right`);
      assert.ok(reached >= ACCURACY);

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
}
