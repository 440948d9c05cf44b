// Tests the operation counts of images against torch's counts for timm's models, and parity and
// statistics on numbers with known answers.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gflopPerPicture, peakGflops } from '#lib/bench/compute';
import { parseSlo, searchGoodput } from '#lib/bench/goodput';
import { compareEmbeddings } from '#lib/bench/parity';
import type { Run } from '#lib/bench/record';
import { median, pairedRatio, quantile, ratioOfMedians } from '#lib/bench/statistics';
import type { LinearSpec } from '#lib/native';
import { PRESETS } from '../tools/synthetic/presets.mts';

// 10⁹ operations, counted by torch 2.11.0 (torch.utils.flop_counter.FlopCounterMode) for timm
// 1.0.31's eva02_large_patch14_clip_336 and vit_large_patch14_clip_336 (both with an embedding of
// 1280), and vit_so400m_patch14_siglip_224.
const COUNTED = {
  'eva02-L-14-336': [381.864116224, 1e-4],
  'clip-L-14-336': [381.920837632, 1e-4],
  'siglip2-so400m-14-224': [220.353896448, 0.01],
} as const;

for (const [name, [expected, tolerance]] of Object.entries(COUNTED)) {
  test(`operations of ${name}`, () => {
    const found = gflopPerPicture(PRESETS[name as keyof typeof COUNTED]);
    assert.ok(Math.abs(found / expected - 1) < tolerance, `${found}`);
  });
}

test('the peak is the rate of the fastest layer, in each precision of a bundle', async () => {
  const asked = new Set<string>();
  const engine = {
    linearGflops: async ({ precision, rows, in: from, out }: LinearSpec) => {
      asked.add(precision);
      assert.equal(rows, 577);
      return from * out;
    },
  };
  const of = (precision: string) => peakGflops(engine, PRESETS['eva02-L-14-336'], precision, 2);
  for (const precision of ['fp32', 'bf16', 'fp16', 'int8']) {
    assert.equal(await of(precision), 1024 * 2 * 2730);
  }
  assert.equal(await of('int4'), null);
  assert.deepEqual([...asked], ['fp32', 'bf16', 'fp16', 'int8']);
});

describe('parity', () => {
  const unit = (angle: number) => Float32Array.of(Math.cos(angle), Math.sin(angle));
  const circle = Array.from({ length: 12 }, (_, i) => unit((i * Math.PI) / 6));

  test('equal embeddings of any length agree', () => {
    const longer = circle.map((one) => one.map((x) => 3 * x));
    const parity = compareEmbeddings(longer, circle, { precision: 'fp32', reference: 'itself' });
    assert.ok(Math.abs(parity.minCosine - 1) < 1e-6);
    assert.ok(parity.passed);
  });

  test('the lowest cosine decides, with the gate of the precision', () => {
    const found = circle.map((one, i) => (i === 7 ? unit((7 * Math.PI) / 6 + 0.08) : one));
    const of = (precision: string) =>
      compareEmbeddings(found, circle, { precision, reference: 'circle' });
    assert.ok(Math.abs(of('int8').minCosine - Math.cos(0.08)) < 1e-6);
    assert.equal(of('int8').passed, true);
    assert.equal(of('bf16').passed, false);
    assert.equal(of('a precision nobody knows').gate, 0.99999);
  });

  test('NaN never passes', () => {
    const found = circle.map((one, i) => (i === 0 ? Float32Array.of(Number.NaN, 0) : one));
    assert.equal(
      compareEmbeddings(found, circle, { precision: 'int8', reference: '' }).passed,
      false,
    );
  });

  test('neighbours in another order lower the agreement', () => {
    const options = { precision: 'fp32', reference: 'circle' };
    assert.equal(compareEmbeddings(circle, circle, options).topK?.agreement, 1);
    const shuffled = circle.map((_, i) => circle[(5 * i) % 12] as Float32Array);
    const { topK } = compareEmbeddings(shuffled, circle, options);
    assert.ok(topK !== null && topK.agreement < 0.8);
    assert.equal(compareEmbeddings(circle.slice(0, 3), circle.slice(0, 3), options).topK, null);
  });
});

describe('statistics', () => {
  test('quantiles', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.equal(quantile([0, 10], 0.25), 2.5);
    assert.ok(Number.isNaN(median([])));
  });

  test('the ratio of pairs is stable if the single times drift', () => {
    const drift = Array.from({ length: 20 }, (_, i) => 1 + i / 4);
    const theirs = drift.map((x, i) => 1.5 * x * (i % 2 === 0 ? 1.01 : 0.99));
    const { value, low, high } = pairedRatio(drift, theirs);
    assert.ok(low <= 1.5 && 1.5 <= high && high - low < 0.05 && Math.abs(value - 1.5) < 0.02);
  });

  test('intervals of two samples contain the true value in 95 of 100 cases', () => {
    let state = 7;
    const noise = () => {
      state = (state * 48_271) % 2_147_483_647;
      return 1 + 0.1 * (state / 2_147_483_647 - 0.5);
    };
    let covered = 0;
    for (let trial = 0; trial < 100; trial++) {
      const a = Array.from({ length: 12 }, noise);
      const b = Array.from({ length: 12 }, () => 2 * noise());
      const { low, high } = ratioOfMedians(a, b);
      if (low <= 2 && 2 <= high) covered += 1;
    }
    assert.ok(covered >= 88, `${covered}`);
  });
});

describe('goodput', () => {
  test('bounds are read, or refused', () => {
    assert.deepEqual(parseSlo('p99=50ms'), { percentile: 'p99', boundMs: 50 });
    assert.deepEqual(parseSlo('p99.9=1.5s'), { percentile: 'p999', boundMs: 1500 });
    for (const text of ['p98=50ms', 'p99=50', 'p99', '', 'p99=-1ms']) {
      assert.throws(() => parseSlo(text), { name: 'RangeError', code: 'ERR_INVALID_ARG' });
    }
  });

  test('bisection finds the rate at which a known latency meets the bound', async () => {
    const at = (rate: number | null) => {
      const p99 = 10 / (1 - (rate ?? 0) / 100);
      const latency = { p50: p99, p90: p99, p95: p99, p99, p999: p99 };
      return { latency, refused: 0, errors: {}, queries: 100 } as unknown as Run;
    };
    const slo = parseSlo('p99=40ms');
    const found = await searchGoodput(slo, 100, async ({ rate }) => at(rate));
    assert.ok(Math.abs((found.goodput?.rate ?? 0) - 75) <= 100 / 2 ** 7);
    const never = await searchGoodput(parseSlo('p50=5ms'), 100, async ({ rate }) => at(rate));
    assert.equal(never.goodput?.rate, 0);
    const refusing = async () => ({ ...at(1), refused: 1 });
    assert.equal((await searchGoodput(slo, 100, refusing)).goodput?.rate, 0);
  });
});
