// Tests the cache of text vectors in memory: what it keeps, what it drops, and which callers share
// a computation.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { promptOf } from '#lib/text/prompt';
import { textKey } from '#lib/text/text-key';
import type { VectorCache } from '#lib/text/vector-cache';
import { Random } from './fuzz/random.mts';
import { growth } from './support/growth.mts';
import { computedOf, numbered, openCache, vectorOf } from './support/text-vectors.mts';

const dim = 16;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

describe('texts', () => {
  test('that give the same prompt, and no others, share a vector', async () => {
    const texts = ['a cat', 'a cat \n\u3000', ' a cat', 'a !@#$%^&*()cat', 'A cat', '', ' ', '\0'];
    texts.push('\ud83d', '\ufffd', '1 a', 'a cat<|eot_id|>');
    for (const one of texts) {
      for (const other of texts) {
        const same = JSON.stringify(promptOf(one)) === JSON.stringify(promptOf(other));
        assert.equal(textKey(one) === textKey(other), same, JSON.stringify([one, other]));
      }
    }
    const cache = await openCache();
    await computedOf(cache, dim, ['a cat']);
    const never = () => Promise.reject(new Error('computed'));
    assert.deepEqual(await cache.get('a cat \n', never), vectorOf('a cat', dim));
    const { hits, misses, entries } = cache.stats();
    assert.deepEqual({ hits, misses, entries }, { hits: 1, misses: 1, entries: 1 });
  });

  test('that are very long are computed each time', async () => {
    const cache = await openCache();
    const long = 'x'.repeat(100_000);
    assert.deepEqual(await computedOf(cache, dim, [long, long]), [long, long]);
    assert.equal(cache.stats().entries, 0);
  });
});

test('vectors belong to the caller', async () => {
  const cache = await openCache();
  const ask = () => cache.get('a', async () => vectorOf('a', dim));
  const given = [...(await Promise.all([ask(), ask()])), await ask()];
  for (const vector of given) {
    assert.deepEqual(vector, vectorOf('a', dim));
    vector.fill(7);
  }
  assert.deepEqual(await ask(), vectorOf('a', dim));
});

describe('memory', () => {
  /** The plain rule: the least recently used text of a list is dropped. */
  function plain(capacity: number, asked: readonly string[]): string[] {
    const kept: string[] = [];
    return asked.filter((text) => {
      const at = kept.indexOf(text);
      if (at >= 0) kept.splice(at, 1);
      kept.push(text);
      if (kept.length > capacity) kept.shift();
      return at < 0;
    });
  }

  for (const [dim, maxEntries] of [
    [16, 1],
    [16, 37],
    [100_000, 7], // two vectors per block
    [300_000, 3], // one vector is longer than a block
  ] as const) {
    test(`of ${maxEntries} vectors [${dim}] drops the least recently used one`, async () => {
      const random = new Random(dim + maxEntries);
      const cache = await openCache({ dim, maxEntries });
      const texts = numbered(2 * maxEntries);
      const count = dim > 1000 ? 4 * maxEntries : 3000;
      const asked = Array.from({ length: count }, () => texts[random.below(texts.length)] ?? '');
      const computed = await computedOf(cache, dim, asked);
      assert.deepEqual(computed, plain(maxEntries, asked));
      const { hits, misses, entries } = cache.stats();
      assert.deepEqual([hits, misses], [asked.length - computed.length, computed.length]);
      assert.equal(entries, maxEntries);
    });
  }

  test('is limited in bytes', async () => {
    for (const maxBytes of [0, 100, 10_000, 3_000_000]) {
      const cache = await openCache({ dim: 200, maxBytes, maxEntries: 1e6 });
      await computedOf(cache, 200, numbered(Math.ceil(maxBytes / 800) + 50));
      const { bytes, entries } = cache.stats();
      assert.ok(bytes <= maxBytes, `${bytes} of ${maxBytes}`);
      assert.ok(bytes + 1000 > maxBytes || maxBytes < 1000);
      assert.equal(entries > 0, maxBytes > 1000);
    }
  });

  /** Makes requests of every kind: cached, dropped, shared, failed and aborted. */
  async function request(cache: VectorCache, i: number, kept: unknown[] | undefined) {
    const [abort, { signal }] = [new AbortController(), new AbortController()];
    const compute = async () => {
      await new Promise(setImmediate);
      if (i % 7 === 0) throw new Error('failed');
      return vectorOf(`${i}`, dim);
    };
    const mine = cache.get(`${i}`, compute, i % 3 === 0 ? abort.signal : signal);
    const other = cache.get(`${i}`, compute, signal);
    if (i % 2 === 0) abort.abort();
    const vectors = await Promise.allSettled([mine, other]);
    kept?.push(vectors);
  }

  /** Returns the bytes held after each of `blocks` blocks of 2,000 requests. */
  async function heldAfter(blocks: number, kept?: unknown[]): Promise<number[]> {
    const cache = await openCache({ maxEntries: 100 });
    const held: number[] = [];
    for (let i = 0; i < 2000 * blocks; i += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, j) => request(cache, i + j, kept)));
      if ((i + 20) % 2000 !== 0) continue;
      collectGarbage();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      held.push(heapUsed + arrayBuffers);
    }
    return held.slice(2);
  }

  test('does not grow with requests', async (t) => {
    const none = growth(await heldAfter(7)) / 2000;
    const leak = growth(await heldAfter(5, [])) / 2000;
    t.diagnostic(`${none} bytes a request, with a deliberate leak ${leak}`);
    assert.ok(none < 100);
    assert.ok(leak > 300);
  });
});

describe('one computation', () => {
  /** Makes a computation that ends when the test tells it to. */
  function pending() {
    const begun: (AbortSignal | undefined)[] = [];
    let settle: { resolve(vector: Float32Array): void; reject(error: unknown): void };
    const compute = (signal: AbortSignal | undefined) => {
      begun.push(signal);
      return new Promise<Float32Array>((resolve, reject) => {
        settle = { resolve, reject };
      });
    };
    return {
      ...{ begun, compute },
      end: () => settle.resolve(vectorOf('a', dim)),
      fail: (error: unknown) => settle.reject(error),
    };
  }

  test('serves all callers that ask during it, even if the first one leaves', async () => {
    const cache = await openCache();
    const { begun, compute, end } = pending();
    const first = new AbortController();
    const asked = [first.signal, undefined, new AbortController().signal].map((signal) =>
      cache.get('a', compute, signal),
    );
    first.abort(new Error('enough'));
    await assert.rejects(asked[0] as Promise<unknown>, /enough/);
    assert.equal(begun[0]?.aborted, false);
    end();
    for (const vector of asked.slice(1)) assert.deepEqual(await vector, vectorOf('a', dim));
    assert.equal(begun.length, 1);
    assert.deepEqual([cache.stats().hits, cache.stats().misses], [2, 1]);
  });

  test('is aborted when all callers have left, and starts again for the next one', async () => {
    const cache = await openCache();
    const { begun, compute, end, fail } = pending();
    const aborts = [new AbortController(), new AbortController()];
    const asked = aborts.map(({ signal }) => cache.get('a', compute, signal));
    for (const abort of aborts) abort.abort();
    assert.equal(begun[0]?.aborted, true);
    fail(begun[0]?.reason);
    const next = cache.get('a', compute);
    for (const vector of asked) await assert.rejects(vector, { name: 'AbortError' });
    assert.equal(begun.length, 2);
    end();
    assert.deepEqual(await next, vectorOf('a', dim));
    assert.deepEqual(await computedOf(cache, dim, ['a']), []);
  });

  test('that fails rejects for all callers, and is not cached', async () => {
    const cache = await openCache();
    const { compute, fail } = pending();
    const asked = [cache.get('a', compute), cache.get('a', compute)];
    fail(new Error('out of memory'));
    for (const vector of asked) await assert.rejects(vector, /out of memory/);
    assert.deepEqual(await computedOf(cache, dim, ['a']), ['a']);
  });

  test('whose vector is not finite is not cached', async () => {
    const cache = await openCache();
    const poisoned = vectorOf('a', dim).fill(Number.NaN, 3, 4);
    assert.deepEqual(await cache.get('a', async () => poisoned), poisoned);
    assert.deepEqual(await computedOf(cache, dim, ['a']), ['a']);
  });

  test('is not started for an aborted caller, which gets no cached vector either', async () => {
    const cache = await openCache();
    await computedOf(cache, dim, ['a']);
    for (const text of ['a', 'b']) {
      const { begun, compute } = pending();
      const asked = cache.get(text, compute, AbortSignal.abort());
      await assert.rejects(asked, { name: 'AbortError' });
      assert.equal(begun.length, 0);
    }
  });
});
