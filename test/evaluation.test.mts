import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { classEmbeddings, classProbabilities, fillTemplates, type Matrix, recall } from 'llm2clip';
import { searchRecall } from '#lib/eval/search-recall';
import { unitVectors } from './support/search-vectors.mts';

interface Retrieval {
  images: number[];
  texts: number[];
  width: number;
  imageOfText: number[];
  imageToText: number[];
  textToImage: number[];
}

interface ZeroShot {
  texts: number[];
  images: number[];
  width: number;
  templates: number;
  classes: number[];
  probabilities: number[];
}

const golden: { at: number[]; retrieval: Retrieval[]; zeroShot: ZeroShot[] } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures/goldens/evaluation.json'), 'utf8'),
);

function matrix(values: number[], width: number): Matrix {
  return { data: Float32Array.from(values), shape: [values.length / width, width] };
}

function assertNear(found: ArrayLike<number>, expected: number[], tolerance: number): void {
  assert.equal(found.length, expected.length);
  for (const [i, value] of expected.entries()) {
    assert.ok(
      Math.abs((found[i] ?? Number.NaN) - value) <= tolerance,
      `${i}: ${found[i]}, ${value}`,
    );
  }
}

/** Ranks every candidate by sorting, which the library never does. */
function plainRecall(images: Matrix, texts: Matrix, imageOfText: number[], k: number): number[] {
  const row = ({ data, shape }: Matrix, i: number) => [
    ...data.subarray(i * shape[1], (i + 1) * shape[1]),
  ];
  const score = (i: number, t: number) => {
    const text = row(texts, t);
    return row(images, i).reduce((sum, x, j) => sum + x * (text[j] ?? 0), 0);
  };
  const share = (
    queries: number[],
    candidates: number[],
    pair: (q: number, c: number) => [number, number],
  ) => {
    const isMatch = (q: number, c: number) => imageOfText[pair(q, c)[1]] === pair(q, c)[0];
    const counted = queries.filter((q) => candidates.some((c) => isMatch(q, c)));
    const hits = counted.filter((q) =>
      candidates
        .toSorted((a, b) => score(...pair(q, b)) - score(...pair(q, a)) || a - b)
        .slice(0, k)
        .some((c) => isMatch(q, c)),
    );
    return counted.length === 0 ? 0 : hits.length / counted.length;
  };
  const all = (n: number) => Array.from({ length: n }, (_, i) => i);
  const [left, right] = [all(images.shape[0]), all(texts.shape[0])];
  return [share(left, right, (i, t) => [i, t]), share(right, left, (t, i) => [i, t])];
}

describe('classEmbeddings', () => {
  const refused = (pattern: RegExp) => (error: Error & { code?: string }) => {
    assert.equal(error.code, 'ERR_INVALID_BUFFER');
    assert.match(error.message, pattern);
    return true;
  };

  it('refuses vectors without a direction, and names them', () => {
    const opposite = matrix([1, 0, 0, 1, 0.6, 0.8, -0.6, -0.8], 2);
    assert.throws(() => classEmbeddings(opposite, 2), refused(/class 1 that do not cancel out/));
    const nearly = matrix([0.6, 0.8, -0.60000001, -0.8], 2);
    assert.throws(() => classEmbeddings(nearly, 2), refused(/class 0/));
    const zero = matrix([1, 0, 0, 0], 2);
    assert.throws(() => classEmbeddings(zero, 1), refused(/row 1 of texts/));
  });

  it('keeps NaN, as of a failed text, in its class', () => {
    const { data } = classEmbeddings(matrix([1, 0, Number.NaN, 0, 0, 2, 0, 3], 2), 2);
    assert.deepEqual([...data], [Number.NaN, Number.NaN, 0, 1]);
  });
});

describe('recall', () => {
  for (const [
    i,
    { width, imageOfText, imageToText, textToImage, ...rows },
  ] of golden.retrieval.entries()) {
    it(`as NumPy has it, ties and all (${i})`, async () => {
      const { at } = golden;
      const found = recall(matrix(rows.images, width), matrix(rows.texts, width), {
        imageOfText,
        at,
      });
      const expected = { at, imageToText, textToImage };
      assert.deepEqual(found, expected);
      const [images, texts] = [matrix(rows.images, width), matrix(rows.texts, width)];
      assert.deepEqual(await searchRecall(images, texts, { imageOfText, at }), expected);
    });
  }

  it('equals a plain sort on random data', () => {
    const small = fc.integer({ min: -2, max: 2 });
    const cases = fc
      .tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 9 }))
      .chain(([images, texts]) =>
        fc.tuple(
          fc.array(small, { minLength: 2 * images, maxLength: 2 * images }),
          fc.array(small, { minLength: 2 * texts, maxLength: 2 * texts }),
          fc.array(fc.integer({ min: 0, max: images - 1 }), { minLength: texts, maxLength: texts }),
          fc.integer({ min: 1, max: 10 }),
        ),
      );
    fc.assert(
      fc.property(cases, ([image, text, imageOfText, k]) => {
        const [images, texts] = [matrix(image, 2), matrix(text, 2)];
        const found = recall(images, texts, { imageOfText, at: [k] });
        const expected = plainRecall(images, texts, imageOfText, k);
        assert.deepEqual([found.imageToText[0], found.textToImage[0]], expected);
      }),
      { numRuns: 500 },
    );
  });

  it('ranks equal candidates by their rows', () => {
    const same = matrix([1, 0, 1, 0, 1, 0, 1, 0], 2);
    const quarter = { at: [1, 2, 4], imageToText: [0.25, 0.5, 1], textToImage: [0.25, 0.5, 1] };
    assert.deepEqual(recall(same, same, { at: [1, 2, 4] }), quarter);
  });

  it('finds nothing for a query of NaN, and never finds a vector of NaN', async () => {
    const images = matrix([1, 0, Number.NaN, Number.NaN], 2);
    const texts = matrix([1, 0, 0, 1], 2);
    const half = { at: [1, 10], imageToText: [0.5, 0.5], textToImage: [0.5, 0.5] };
    assert.deepEqual(recall(images, texts, { at: [1, 10] }), half);
    assert.deepEqual(await searchRecall(images, texts, { at: [1, 10] }), half);
    const unfit = matrix([Number.NaN, 0, 0, Number.NaN], 2);
    const none = { at: [1], imageToText: [0], textToImage: [0] };
    assert.deepEqual(await searchRecall(unfit, unfit, { at: [1] }), none);
  });

  it('leaves out images without a text, and has defaults', async () => {
    const images = matrix([1, 0, 0, 1, 1, 1], 2);
    const [texts, pairs] = [matrix([0, 1], 2), { imageOfText: Int32Array.of(1) }];
    const all = { at: [1, 5, 10], imageToText: [1, 1, 1], textToImage: [1, 1, 1] };
    assert.deepEqual(recall(images, texts, pairs), all);
    assert.deepEqual(await searchRecall(images, texts, pairs), all);
  });

  it('by search, in many pieces, equals recall without search', async () => {
    const [images, texts, dim] = [700, 2100, 6];
    const left = matrix([...unitVectors(images, dim, 1)], dim);
    const right = matrix([...unitVectors(texts, dim, 2)], dim);
    const imageOfText = Array.from({ length: texts }, (_, i) => i % images);
    const options = { imageOfText, at: [1, 5, 10, 50] };
    const found = await searchRecall(left, right, options);
    const expected = recall(left, right, options);
    for (const way of ['imageToText', 'textToImage'] as const) {
      // Scores that are equal in fp32 may be in another order.
      assertNear(found[way], expected[way], 2 / images);
    }
    assert.ok((expected.imageToText[3] as number) > 0);
  });

  it('by search, can be aborted', async () => {
    const images = matrix([1, 0], 2);
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await assert.rejects(searchRecall(images, images, { signal }), reason);
  });
});

describe('zero-shot', () => {
  for (const [i, { width, templates, ...rows }] of golden.zeroShot.entries()) {
    it(`as NumPy has it (${i})`, () => {
      const classes = classEmbeddings(matrix(rows.texts, width), templates);
      assertNear(classes.data, rows.classes, 1e-7);
      const found = classProbabilities(matrix(rows.images, width), classes);
      assertNear(found.data, rows.probabilities, 2e-5);
    });
  }

  it('ensembles directions, not lengths', () => {
    const classes = classEmbeddings(matrix([10, 0, 0, 1], 2), 2);
    assertNear(classes.data, [Math.SQRT1_2, Math.SQRT1_2], 1e-7);
    assert.deepEqual(classes.shape, [1, 2]);
  });

  it('does not overflow, and keeps NaN in its row', () => {
    const classes = matrix([1, 0, 0, 1], 2);
    const images = matrix([1, 0, Number.NaN, 0], 2);
    const { data } = classProbabilities(images, classes, 1e6);
    assert.deepEqual([...data], [1, 0, Number.NaN, Number.NaN]);
  });

  it('fills templates with the class, unchanged', () => {
    assert.deepEqual(fillTemplates(['a$&', 'b'], ['{}!', 'no {} {}']), [
      'a$&!',
      'no a$& a$&',
      'b!',
      'no b b',
    ]);
  });
});

it('bad input is refused, with what was expected', () => {
  const good = matrix([1, 0], 2);
  const wrong = <T,>(value: unknown) => value as T;
  const refused: [() => unknown, string, RegExp][] = [
    [() => recall(wrong([[1]]), good), 'ERR_INVALID_ARG', /images/],
    [
      () => recall(good, { data: new Float32Array(3), shape: [1, 2] }),
      'ERR_INVALID_BUFFER',
      /texts/,
    ],
    [() => recall(good, matrix([1], 1)), 'ERR_INVALID_ARG', /rows of 2 numbers/],
    [() => recall(good, matrix([1, 0, 1, 0], 2)), 'ERR_INVALID_ARG', /imageOfText/],
    [() => recall(good, good, { imageOfText: [1] }), 'ERR_INVALID_ARG', /imageOfText/],
    [() => recall(good, good, { imageOfText: wrong(1) }), 'ERR_INVALID_ARG', /imageOfText/],
    [() => recall(good, good, { at: [0] }), 'ERR_INVALID_ARG', /options\.at/],
    [() => classEmbeddings(matrix([1, 0, 0, 1], 2), 3), 'ERR_INVALID_ARG', /templates/],
    [() => classProbabilities(good, good, 0), 'ERR_INVALID_ARG', /scale/],
    [() => classProbabilities(good, matrix([1], 1)), 'ERR_INVALID_ARG', /classes/],
    [() => fillTemplates(['a'], ['a photo']), 'ERR_INVALID_ARG', /template/],
    [() => fillTemplates(wrong('cat'), ['{}']), 'ERR_INVALID_ARG', /classes/],
  ];
  for (const [run, code, pattern] of refused) {
    assert.throws(run, (error: Error & { code?: string }) => {
      assert.equal(error.code, code);
      assert.match(error.message, pattern);
      return true;
    });
  }
});
