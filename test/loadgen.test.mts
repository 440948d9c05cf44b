// Tests the comparison with MLPerf's LoadGen: the rule of agreement and, if it is installed,
// LoadGen itself, with an engine that takes 2 ms per batch.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Run } from '#lib/bench/record';
import { cacheFolder } from '#lib/runtime/cache';
import {
  agreement,
  type Figures,
  figuresOfLoadGen,
  figuresOfRun,
  outcomeOf,
  type Round,
} from '../bench/loadgen/agreement.mts';
import { LOADGEN_SCENARIOS, runLoadGen } from '../bench/loadgen/loadgen.mts';
import { loadGenTable } from '../bench/loadgen/table.mts';
import { fullReport } from './support/bench-records.mts';
import { fakeBundle, fakePackage } from './support/fake-engine.mts';
import { temporaryFolder } from './support/temporary.mts';

const figures = (p50: number, p90: number, p99: number): Figures => ({
  ...{ p50, p90, p99, queries: 100, picturesPerSecond: 50 },
});

describe('agreement', () => {
  test("within 15 % at p50 and p90 and 25 % at p99 of LoadGen's result", () => {
    const theirs = figures(10, 20, 100);
    const cases: [Figures, [boolean, boolean, boolean]][] = [
      [figures(11.5, 23, 125), [true, true, true]],
      [figures(8.5, 17, 75), [true, true, true]],
      [figures(11.6, 20, 100), [false, true, true]],
      [figures(10, 16.9, 100), [true, false, true]],
      [figures(10, 20, 126), [true, true, false]],
    ];
    for (const [ours, expected] of cases) {
      assert.deepEqual(Object.values(agreement(theirs, ours)), expected);
    }
  });

  test('offline, both give the same result for the same run', () => {
    // 600 images in six windows of 100. The first window takes twice as long.
    const windows = [50, 100, 100, 100, 100, 100].map((picturesPerSecond) => ({
      ...{ picturesPerSecond, p50: 0 },
    }));
    const run = { ...(fullReport().runs[0] as Run), windows };
    const done = (share: number) => 1000 + 10 * 600 * share;
    const found = { p50: done(0.5), p90: done(0.9), p99: done(0.99), queries: 600 };
    const theirs = figuresOfLoadGen('offline', {
      ...{ ...found, picturesPerSecond: 100, errors: {}, version: '' },
    });
    const ours = figuresOfRun('offline', run);
    for (const one of ['p50', 'p90', 'p99'] as const) {
      assert.ok(Math.abs(theirs[one] - ours[one]) < 1e-9, `${theirs[one]}, ${ours[one]}`);
    }
    assert.equal(figuresOfRun('server', run).p90, run.latency.p90);
    assert.throws(() => figuresOfRun('offline', { ...run, windows: [] }), /raise --seconds/);
  });

  test('results are the medians of the rounds, and a table shows where they differ', () => {
    const rounds = [10, 12, 90].map((p50): Round => {
      const [loadgen, llm2clip] = [figures(10, 20, 30), figures(p50, 22, 40)];
      const agree = agreement(loadgen, llm2clip);
      return { scenario: 'server', first: 'LoadGen', loadgen, llm2clip, agree };
    });
    const outcome = outcomeOf('server', rounds);
    assert.deepEqual([outcome.rounds, outcome.llm2clip.p50], [3, 12]);
    assert.deepEqual(outcome.agree, { p50: false, p90: true, p99: false });
    const text = loadGenTable({
      ...{ command: 'npm run bench:loadgen', date: '2026-11-24T05:15:01.423Z', loadgen: '6.0.17' },
      machine: fullReport().machine,
      settings: {
        ...{ model: 'digits', precision: 'fp32', threads: 2, maxBatch: 8, input: 'encoded' },
        ...{ pictures: 100, rounds: 3, seconds: 20, rate: 150 },
      },
      ...{ tolerances: { p50: 0.15, p90: 0.15, p99: 0.25 }, rounds, outcomes: [outcome] },
    });
    assert.match(text, /\| server \| 10\.0 \/ 20\.0 \/ 30\.0 \| 12\.0 .* \| not at p50, p99 \|/);
  });
});

const python =
  process.env.LLM2CLIP_LOADGEN_PYTHON ?? join(cacheFolder(), 'bench-loadgen/bin/python');
const absent = existsSync(python) ? false : `no LoadGen at ${python}: see bench/loadgen/README.md`;

describe('LoadGen', { skip: absent }, () => {
  const folder = temporaryFolder();
  const path = join(folder, 'package');
  const paths = ['china.jpg', 'flower.jpg'].map((name) =>
    fileURLToPath(new URL(`./fixtures/images/${name}`, import.meta.url)),
  );
  let asked: Omit<Parameters<typeof runLoadGen>[1], 'scenario'>;
  before(async () => {
    fakePackage(path);
    const bundle = await fakeBundle(join(folder, 'bundle'), 2000);
    asked = {
      subject: [process.execPath, join(path, 'dist/bench/subject.js')],
      open: { bundle, load: {}, paths, input: 'encoded', tellEveryMs: 0 },
      ...{ seconds: 0.2, warmUpSeconds: 0.05, minQueries: 10, perSecond: 50, seed: 1 },
    };
  });

  for (const scenario of Object.values(LOADGEN_SCENARIOS)) {
    test(`${scenario}: has every query answered`, async () => {
      const found = await runLoadGen(python, { ...asked, scenario });
      assert.ok(found.queries >= 10, `${found.queries} queries`);
      assert.ok(found.p50 >= 2 && found.p99 >= found.p90 && found.p90 >= found.p50);
      assert.ok(found.picturesPerSecond > 0);
      assert.deepEqual(found.errors, {});
    });
  }

  test('a missing bundle and the death of a subject end the run', async () => {
    const open = { ...asked.open, bundle: join(folder, 'none') };
    await assert.rejects(runLoadGen(python, { ...asked, open, scenario: 'Server' }), /exit code 1/);
    // A subject that opens and ends at the first query.
    const opens = `process.stdin.once('data', () => { console.log('{"is":"opened"}');
      process.stdin.once('data', () => process.exit(0)); });`;
    const subject = [process.execPath, '-e', opens];
    const dying = { ...asked, subject, warmUpSeconds: 0, scenario: 'Server' } as const;
    await assert.rejects(runLoadGen(python, dying), /exit code 1/);
  });
});
