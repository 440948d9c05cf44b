// Tests exact search with each choice of kernels against a plain reference in double precision.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type Storage, similarity, VectorIndex } from 'llm2clip';
import { ISAS, withoutIsa } from './support/isa.mts';
import { once } from './support/once.mts';
import { coarseVectors, rankedByHand, unitVectors } from './support/search-vectors.mts';
import { temporaryFolder } from './support/temporary.mts';

const STORAGES = ['fp32', 'fp16', 'int8'] as const;
/** Largest difference between a score and that of the vectors before they were rounded. */
const TOLERANCES: Record<Storage, number> = { fp32: 2e-6, fp16: 1e-3, int8: 1e-2 };
const code = (expected: string) => (error: Error & { code?: string }) => error.code === expected;

async function indexOf(vectors: Float32Array, dim: number, storage: Storage = 'fp32') {
  const index = VectorIndex.create({ dim, storage });
  await index.add(vectors);
  return index;
}

describe('scores', () => {
  for (const storage of STORAGES) {
    for (const dim of [1, 7, 63, 1280]) {
      test(`${storage}, dim ${dim}: equal to the reference, in the same order`, async () => {
        const vectors = unitVectors(200, dim, 1);
        await using index = await indexOf(vectors, dim, storage);
        const query = unitVectors(1, dim, 2);
        const { ids, scores } = await index.search(query, { k: 200 });
        const exact = rankedByHand(vectors, query, dim);
        const byRow = new Map(exact.map(({ row, score }) => [row, score]));
        assert.equal(new Set(ids).size, 200);
        for (const [i, id] of ids.entries()) {
          const found = scores[i] as number;
          assert.ok(Math.abs(found - (byRow.get(id as number) as number)) < TOLERANCES[storage]);
          assert.ok(i === 0 || found <= (scores[i - 1] as number));
        }
      });
    }

    test(`${storage}: of equal scores, the vector that was added first wins`, async () => {
      const [n, dim] = [500, 4];
      const vectors = coarseVectors(n, dim, 3);
      await using index = await indexOf(vectors, dim, storage);
      // These vectors are exact in every storage: small integers, in int8 with a common scale.
      for (const k of [1, 10, 499, 500, 1000]) {
        const query = coarseVectors(1, dim, k);
        const expected = rankedByHand(vectors, query, dim).slice(0, k);
        const { ids } = await index.search(query, { k });
        assert.deepEqual(
          ids,
          expected.map(({ row }) => row),
        );
      }
    });

    test(`${storage}: many queries give the same results as single ones, with any number of threads`, async () => {
      const [n, dim] = [40_000, 63];
      await using index = await indexOf(unitVectors(n, dim, 5), dim, storage);
      const queries = Array.from({ length: 9 }, (_, i) => unitVectors(1, dim, 10 + i));
      const alone = await Promise.all(queries.map((query) => index.search(query, { threads: 1 })));
      for (const threads of [1, 2, 3, 16]) {
        assert.deepEqual(await index.search(queries, { threads }), alone);
      }
    });
  }

  test('few vectors and none', async () => {
    await using index = VectorIndex.create({ dim: 3 });
    const query = Float32Array.of(1, 0, 0);
    assert.deepEqual(await index.search(query), { ids: [], scores: new Float32Array(0) });
    assert.deepEqual(await index.search([]), []);
    await index.add(new Float32Array(0));
    assert.equal(index.size, 0);
    await index.add(Float32Array.of(0.5, 2, 3));
    assert.deepEqual(await index.search(query, { k: 4 }), {
      ids: [0],
      scores: Float32Array.of(0.5),
    });
  });

  test('a sum that overflows to NaN is not found', async () => {
    const [big, dim] = [3e38, 2];
    await using index = await indexOf(Float32Array.of(big, big, 1, 1), dim);
    assert.deepEqual((await index.search(Float32Array.of(big, -big))).ids, [1]);
  });
});

describe('each choice of kernels', () => {
  const PROGRAM = fileURLToPath(new URL('./support/search-digest.mts', import.meta.url));
  const find = once((env: Record<string, string>) => {
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', PROGRAM], {
      encoding: 'utf8',
      env: { ...process.env, ...env },
    });
    assert.equal(status, 0, stderr);
    return stdout;
  });
  for (const isa of ISAS) {
    test(`LLM2CLIP_ISA=${isa} finds the same`, { skip: withoutIsa(isa) }, () => {
      assert.equal(find({ LLM2CLIP_ISA: isa }), find({}));
    });
  }
});

describe('ids', () => {
  const dim = 2;
  const two = Float32Array.of(1, 0, 0, 1);

  test('strings are returned, and may be removed and added again', async () => {
    await using index = VectorIndex.create({ dim });
    await index.add(two, ['a', 'b']);
    assert.equal(await index.remove(['b', 'nobody']), 1);
    assert.equal(index.size, 1);
    assert.deepEqual((await index.search(Float32Array.of(0, 1))).ids, ['a']);
    await index.add(Float32Array.of(0, 2), ['b']);
    assert.deepEqual((await index.search(Float32Array.of(0, 1))).ids, ['b', 'a']);
  });

  test('invalid ones add nothing', async () => {
    await using index = VectorIndex.create({ dim });
    await index.add(two, ['a', 'b']);
    for (const ids of [undefined, ['c'], ['c', 'c'], ['c', 'a'], ['c', 1], 'cd', {}]) {
      await assert.rejects(index.add(two, ids as string[]), code('ERR_INVALID_ARG'));
    }
    assert.equal(index.size, 2);
  });
});

describe('arguments', () => {
  const dim = 2;
  const query = Float32Array.of(1, 0);

  test('create', () => {
    for (const options of [
      undefined,
      {},
      { dim: 0 },
      { dim: 65_537 },
      { dim: 1.5 },
      { dim: '2' },
    ]) {
      assert.throws(() => VectorIndex.create(options as never), code('ERR_INVALID_ARG'));
    }
    assert.throws(() => VectorIndex.create({ dim, storage: 'bf16' as never }), RangeError);
  });

  test('add', async () => {
    await using index = VectorIndex.create({ dim, storage: 'fp16' });
    for (const bad of [Float32Array.of(1), { data: Float32Array.of(1), shape: [1, 2] }]) {
      await assert.rejects(index.add(bad as never), code('ERR_INVALID_BUFFER'));
    }
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, 1e6]) {
      await assert.rejects(index.add(Float32Array.of(1, 1, 1, bad)), (error: Error) => {
        assert.ok(error instanceof RangeError && code('ERR_INVALID_BUFFER')(error));
        return /row 1/.test(error.message);
      });
    }
    for (const bad of [undefined, [1, 2], new Float64Array(2), { data: query, shape: [1, 3] }]) {
      await assert.rejects(index.add(bad as never), code('ERR_INVALID_ARG'));
    }
    assert.equal(index.size, 0);
  });

  test('search', async () => {
    await using index = await indexOf(query, dim);
    for (const k of [0, -1, 1.5, 2 ** 32]) {
      await assert.rejects(index.search(query, { k }), RangeError);
    }
    await assert.rejects(index.search(query, { k: '1' as never }), TypeError);
    await assert.rejects(index.search(query, { threads: 0 }), RangeError);
    await assert.rejects(index.search(Float32Array.of(1)), code('ERR_INVALID_BUFFER'));
    await assert.rejects(index.search(Float32Array.of(1, Number.NaN)), code('ERR_INVALID_BUFFER'));
    await assert.rejects(index.search([query, Float32Array.of(1)]), code('ERR_INVALID_BUFFER'));
    await assert.rejects(index.search('cat' as never), TypeError);
  });

  test('an invalid LLM2CLIP_ISA is named', () => {
    const program =
      "const { VectorIndex } = require('llm2clip');" +
      'VectorIndex.create({ dim: 1 }).search(new Float32Array(1)).catch((e) => console.log(e.code));';
    const { stdout } = spawnSync(process.execPath, ['-e', program], {
      encoding: 'utf8',
      env: { ...process.env, LLM2CLIP_ISA: 'abacus' },
    });
    assert.equal(stdout, 'ERR_DEVICE_UNAVAILABLE\n');
  });
});

describe('lifetime', () => {
  const [n, dim] = [60_000, 256];
  const query = unitVectors(1, dim, 1);
  const large = unitVectors(n, dim, 2);

  test('abort, before and in flight', async () => {
    await using index = await indexOf(large, dim);
    const reason = new Error('enough');
    await assert.rejects(index.search(query, { signal: AbortSignal.abort(reason) }), reason);
    const controller = new AbortController();
    const searching = index.search(query, { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(searching, reason);
    assert.equal((await index.search(query)).ids.length, 10);
  });

  test('dispose waits for searches, and may be called twice; then every call fails', async () => {
    const index = await indexOf(large, dim);
    assert.ok(index.memoryBytes >= 4 * n * dim);
    const searching = index.search(query);
    await Promise.all([index.dispose(), index.dispose()]);
    assert.equal((await searching).ids.length, 10);
    assert.equal(index.memoryBytes, 0);
    for (const used of [index.search(query), index.add(query), index.remove([]), index.sync()]) {
      await assert.rejects(used, code('ERR_DISPOSED'));
    }
  });

  test('vectors may be added during a search', async () => {
    await using index = await indexOf(large, dim, 'int8');
    const before = await index.search(query);
    const searches = Array.from({ length: 8 }, () => index.search(query));
    for (let i = 0; i < 50; i++) await index.add(new Float32Array(100 * dim));
    for (const found of await Promise.all(searches)) assert.deepEqual(found, before);
  });

  test('workers may be terminated during a search', async () => {
    const folder = temporaryFolder();
    const program = join(folder, 'worker.cjs');
    writeFileSync(
      program,
      `const { VectorIndex } = require(${JSON.stringify(fileURLToPath(new URL('..', import.meta.url)))});
       const { parentPort } = require('node:worker_threads');
       (async () => {
         const index = VectorIndex.create({ dim: 64 });
         await index.add(new Float32Array(64 * 50000).fill(1));
         const again = () => index.search(new Float32Array(64).fill(1)).then(({ ids }) => {
           parentPort.postMessage(ids);
           again();
         });
         for (let i = 0; i < 4; i++) again();
       })();`,
    );
    for (let round = 0; round < 10; round++) {
      const worker = new Worker(program, { execArgv: [] });
      const [ids] = await new Promise<number[][]>((resolve, reject) => {
        worker.once('message', (message: number[]) => resolve([message]));
        worker.once('error', reject);
      });
      assert.deepEqual(ids, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      await worker.terminate();
    }
  });
});

describe('similarity', () => {
  test('every pair', async () => {
    const dim = 63;
    const [a, b] = [unitVectors(5, dim, 1), unitVectors(9, dim, 2)];
    const { data, shape } = await similarity({ data: a, shape: [5, dim] }, b);
    assert.deepEqual(shape, [5, 9]);
    for (let i = 0; i < 5; i++) {
      const exact = rankedByHand(b, a.subarray(i * dim, (i + 1) * dim), dim);
      for (const { row, score } of exact) {
        assert.ok(Math.abs((data[i * 9 + row] as number) - score) < 1e-6);
      }
    }
    const one = await similarity(a.subarray(0, dim), a.subarray(0, dim));
    assert.deepEqual(one.shape, [1, 1]);
  });

  test('arguments', async () => {
    const two = Float32Array.of(1, 2);
    await assert.rejects(similarity(two, Float32Array.of(1, 2, 3)), code('ERR_INVALID_BUFFER'));
    await assert.rejects(similarity(two, Float32Array.of(1, Number.NaN)), RangeError);
    await assert.rejects(similarity(null as never, two), TypeError);
    await assert.rejects(similarity(new Float32Array(0), two), RangeError);
  });
});
