// Tests `llm2clip bench` as a user runs it, with an engine that takes at least 5 ms per batch.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Report, type Run, SCHEMA_VERSION } from '#lib/bench/record';
import { childrenOf, ended } from './support/children.mts';
import { llm2clip, run as runCommand } from './support/cli.mts';
import { CHECKPOINT, IMAGES } from './support/digits.mts';
import { fakeBundle, fakePackage } from './support/fake-engine.mts';
import { temporaryFolder } from './support/temporary.mts';
import { until } from './support/until.mts';

const folder = temporaryFolder();
const path = join(folder, 'package');
const main = join(path, 'dist/cli/main.js');
const photographs = ['china.jpg', 'flower.jpg'].map((name) =>
  fileURLToPath(new URL(`./fixtures/images/${name}`, import.meta.url)),
);
const images = ['--images', ...photographs];
const brief = ['--duration', '0.1', '--min-queries', '18'];
let bundle: string;
before(async () => {
  fakePackage(path);
  bundle = await fakeBundle(join(folder, 'bundle'), 5000);
});

const bench = (...args: string[]) => runCommand(['bench', ...args], {}, main);
const measure = async (...args: string[]) => {
  const { code, json, stderr } = await bench(bundle, ...images, ...brief, '--json', ...args);
  assert.equal(code, 0, stderr);
  return json()[0] as Report;
};

describe('usage', { concurrency: 2 }, () => {
  const wrong: [string, string[], RegExp][] = [
    ['no such scenario', ['--scenario', 'fastest'], /single-stream, multi-stream/],
    ['no such input', ['--input', 'zeros'], /path, encoded, raw, preprocessed/],
    ['a bound that is none', ['--slo', 'quick', ...images], /expected a bound such as p99=50ms/],
    ['a duration that is none', ['--duration', '-1'], /above 0/],
    ['callers that are none', ['--concurrency', '1,x'], /whole number/],
    ["'slo' without a bound", ['--scenario', 'slo', ...brief, ...images], /p99=50ms for --slo/],
    ['no images', [], /expected a folder of images for --images/],
  ];
  for (const [name, args, message] of wrong) {
    test(name, async () => {
      const { code, stderr } = await bench(bundle, ...args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
    });
  }

  test('a missing file is reported in one line, and nothing is written', async () => {
    const out = join(folder, 'none.json');
    const empty = join(folder, 'empty');
    await mkdir(empty);
    const cases: [string[], RegExp][] = [
      [[join(folder, 'no.bundle'), ...images], /^llm2clip: ERR_NOT_FOUND: .*no\.bundle/],
      [[bundle, '--images', empty], /^llm2clip: ERR_NOT_FOUND: expected images in .*empty/],
      [
        [bundle, '--images', join(folder, 'none.jpg')],
        /ERR_NOT_FOUND: expected images that decode/,
      ],
      [
        [bundle, ...images, '--reference', join(folder, 'none')],
        /^llm2clip: ERR_NOT_FOUND: .*none/,
      ],
      [[bundle, ...images, '--out', join(folder, 'no/where.json')], /ERR_IO: cannot write/],
    ];
    await Promise.all(
      cases.map(async ([args, message]) => {
        const { code, stderr } = await bench('--out', out, ...args);
        assert.equal(code, 1);
        assert.match(stderr.trim().split('\n').at(-1) ?? '', message);
      }),
    );
    assert.ok(!existsSync(out));
  });
});

describe('runs', () => {
  test('every scenario, and its record', async () => {
    const all = 'single-stream,multi-stream,offline,server,concurrency,rate';
    const { runs, machine, schemaVersion, interrupted } = await measure(
      ...['--scenario', all, '--concurrency', '1,3', '--rates', '40,80', '--max-batch', '4'],
    );
    assert.equal(schemaVersion, SCHEMA_VERSION);
    assert.equal(interrupted, false);
    assert.ok(machine.cores > 0 && machine.versions.libtorch !== undefined);
    assert.deepEqual(
      runs.map(({ scenario, configuration: { concurrency, rate } }) => [
        scenario,
        concurrency ?? (scenario === 'server' ? 'server' : rate),
      ]),
      [
        ['single-stream', 1],
        ['multi-stream', 1],
        ['offline', 8],
        ['server', 'server'],
        ['concurrency', 1],
        ['concurrency', 3],
        ['rate', 40],
        ['rate', 80],
      ],
    );
    const [single, multi, offline, server] = runs as [Run, Run, Run, Run];
    for (const { queries, latency, compliant, refused, errors, stages, ...one } of runs) {
      // 18 queries are asked for, but on a busy machine a run ends at three times its duration.
      assert.ok(queries > 0);
      assert.equal(latency.count, queries);
      assert.equal(one.configuration.input, 'encoded');
      assert.equal(
        latency.buckets.reduce((sum, [, count]) => sum + count, 0),
        queries,
      );
      const { p50, p99, p999, max } = latency;
      assert.ok(p50 >= 5 && p999 >= p99 && max >= p999, JSON.stringify({ p50, p99, p999, max }));
      assert.equal(compliant, false, 'short runs are marked as such');
      assert.equal(refused, 0);
      assert.deepEqual(errors, {});
      const { decode, run, deliver } = stages;
      assert.ok(decode.count > 0 && deliver.count > 0 && run.p50 >= 4.5, `run ${run.p50} ms`);
      assert.ok(one.memory.rssPeakBytes > 0 && one.eventLoopDelay.max > 0);
      assert.equal(one.parity, null);
      assert.equal(one.compute, null, 'nothing is known of what an imported engine computes');
    }
    assert.deepEqual(Object.keys(single.batches), ['1']);
    assert.equal(multi.pictures, 8 * multi.queries);
    const largest = Math.max(...Object.keys(offline.batches).map(Number));
    // The number of images that wait at the same time depends on the speed of decoding.
    assert.ok(largest >= 1 && largest <= 4, `batches of ${largest}`);
    // The default rate is 0.8 of the offline throughput.
    const { rate } = server.configuration;
    assert.ok(Math.abs((rate ?? 0) / offline.picturesPerSecond - 0.8) < 1e-9);
  });

  test('finds the highest rate that meets a latency bound', async () => {
    const { runs } = await measure('--slo', 'p99=10s', '--scenario', 'slo', '--max-batch', '2');
    assert.deepEqual(
      runs.map(({ scenario }) => scenario),
      ['offline', 'slo'],
    );
    const [, slo] = runs as [Run, Run];
    assert.ok((slo.goodput?.rate ?? 0) > 0);
    assert.equal(slo.goodput?.boundMs, 10_000);
  });

  test('other kinds of inputs', async () => {
    for (const input of ['path', 'raw', 'preprocessed']) {
      const { runs } = await measure('--scenario', 'single-stream', '--input', input);
      assert.equal(runs[0]?.configuration.input, input);
      assert.equal((runs[0]?.stages.decode.count ?? 0) > 0, input === 'path');
    }
  });

  test('images that cannot be decoded are left out and reported', async () => {
    const words = join(folder, 'words.jpg');
    await writeFile(words, 'no image');
    const args = [...brief, '--scenario', 'single-stream', '--images', ...photographs, words];
    const { code, stderr } = await bench(bundle, ...args);
    assert.equal(code, 0);
    assert.match(stderr, /left out .*words\.jpg: expected JPEG, PNG/);
  });

  test('reports: a table, Markdown, a page', async () => {
    const [out, markdown, html] = ['a.json', 'a.md', 'a.html'].map((name) => join(folder, name));
    const files = ['--out', out, '--markdown', markdown, '--html', html] as string[];
    const { code, stdout } = await bench(bundle, ...images, ...brief, ...files);
    assert.equal(code, 0);
    for (const scenario of ['single-stream', 'offline', 'server']) {
      assert.match(stdout, new RegExp(scenario));
      assert.match(await readFile(markdown as string, 'utf8'), new RegExp(scenario));
    }
    assert.match(await readFile(html as string, 'utf8'), /<svg/);
    assert.equal((JSON.parse(await readFile(out as string, 'utf8')) as Report).runs.length, 3);
  });

  const started: ChildProcess[] = [];
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });

  /** Starts a command in a process group of its own, as a shell does. */
  const start = (...args: string[]) => {
    const words = [main, 'bench', bundle, ...images, ...args];
    const child = spawn(process.execPath, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    started.push(child);
    child.stdout.resume();
    child.stderr.resume();
    return { child, closed: once(child, 'close') };
  };
  const isOver = ({ exitCode, signalCode }: ChildProcess) =>
    exitCode !== null || signalCode !== null;
  const subjectsOf = ({ pid }: ChildProcess) => childrenOf(pid as number, 'bench/subject.js');
  const killIfThere = (pid: number) => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  /** Waits until `done` is true, and fails if the command ends before. */
  const awaited = (command: ChildProcess, what: string, done: () => boolean | Promise<boolean>) =>
    until(async () => {
      if (await done()) return true;
      if (isOver(command)) throw new Error(`expected ${what}, found that the command has ended`);
      return false;
    }, what);
  /** Returns the measured processes, once there are any. */
  const measured = async (command: ChildProcess) => {
    let found: number[] = [];
    await awaited(command, 'a measured process', () => {
      found = subjectsOf(command);
      return found.length > 0;
    });
    return found;
  };

  test('Ctrl-C half way: finished runs are kept, and no process is left', async () => {
    const out = join(folder, 'half.json');
    // With so many runs it cannot end before the interrupt, even on a fast machine.
    const callers = Array.from({ length: 200 }, (_, i) => i + 1);
    const sweep = ['--scenario', 'concurrency', '--concurrency', callers.join(',')];
    const { child, closed } = start('--out', out, '--duration', '0.1', ...sweep);
    const runsSoFar = async () => {
      const text = await readFile(out, 'utf8').catch(() => '{"runs":[]}');
      return (JSON.parse(text) as Report).runs.length;
    };
    await awaited(child, 'a run', async () => (await runsSoFar()) > 0);
    const subjects = await measured(child);
    process.kill(-(child.pid as number), 'SIGINT');
    assert.deepEqual(await closed, [130, null]);
    for (const subject of subjects) await ended(subject);
    const report = JSON.parse(await readFile(out, 'utf8')) as Report;
    assert.equal(report.interrupted, true);
    assert.ok(report.runs.length >= 1 && report.runs.length < callers.length);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.includes('.tmp-')),
      [],
    );
  });

  test('a benchmark that is killed leaves no process', async () => {
    const { child, closed } = start('--duration', '100');
    const subjects = await measured(child);
    child.kill('SIGKILL');
    await closed;
    for (const subject of subjects) await ended(subject);
  });

  test('the death of the measured process is reported', async () => {
    const { child, closed } = start('--duration', '100');
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    // The first process may be about to end by itself.
    while (!isOver(child)) {
      for (const subject of subjectsOf(child)) killIfThere(subject);
      await sleep(1);
    }
    assert.deepEqual(await closed, [1, null]);
    assert.match(stderr, /ERR_INTERNAL: expected the measured process .* ended with SIGKILL/);
  });
});

test('parity with fp32 is measured, and the gate is that of the precision', async () => {
  const bundles = ['fp32', 'bf16'].map((precision) => join(folder, precision));
  for (const out of bundles) {
    await llm2clip('convert', CHECKPOINT, '--out', out, '--precision', out.slice(-4));
  }
  const [fp32, bf16] = bundles as [string, string];
  const images = ['--images', join(IMAGES, 'gallery')];
  const args = [...images, ...brief, '--scenario', 'single-stream', '--json'];
  const { json, code, stderr } = await llm2clip('bench', bf16, '--reference', fp32, ...args);
  assert.equal(code, 0, stderr);
  const [run] = (json()[0] as Report).runs as [Run];
  const { parity, compute } = run;
  assert.ok((compute?.peakGflops ?? 0) > 0);
  assert.equal(compute?.gflops, (compute?.gflopPerPicture ?? 0) * run.picturesPerSecond);
  assert.ok(parity?.passed && parity.minCosine > 0.999 && parity.minCosine <= 1 + 1e-6);
  assert.ok((parity.topK?.agreement ?? 0) > 0.8);
});

describe('compare', () => {
  /**
   * Returns the report with all rates multiplied by `factor`, and with perfectly steady windows.
   */
  const change = (report: Report, factor: number): Report => ({
    ...report,
    runs: report.runs.map((one) => ({
      ...one,
      picturesPerSecond: one.picturesPerSecond * factor,
      windows: Array.from({ length: 6 }, () => ({
        picturesPerSecond: one.picturesPerSecond * factor,
        p50: one.latency.p50 / factor,
      })),
    })),
  });
  const compare = (...args: string[]) => runCommand(['bench', 'compare', ...args], {}, main);

  let report: Report;
  before(async () => {
    report = await measure('--scenario', 'single-stream,offline');
  });
  const ofRun = (index: number): Report => ({
    ...report,
    runs: report.runs.slice(index, index + 1),
  });

  test('equal records, a regression and a gain', async () => {
    const files = { same: 1, worse: 0.8, better: 1.25 };
    for (const [name, factor] of Object.entries(files)) {
      await writeFile(join(folder, `${name}.json`), JSON.stringify(change(ofRun(0), factor)));
    }
    const at = (name: string) => join(folder, `${name}.json`);
    const same = await compare(at('same'), at('same'), '--tolerance', '50%');
    assert.equal(same.code, 0);
    assert.match(same.stdout, /same/);
    const worse = await compare(at('same'), at('worse'));
    assert.equal(worse.code, 1);
    assert.match(worse.stdout, /worse/);
    assert.equal((await compare(at('same'), at('worse'), '--tolerance', '60%')).code, 0);
    const better = await compare(at('same'), at('better'), '--json');
    assert.equal(better.code, 0);
    const [{ changes }] = better.json() as [{ changes: { verdict: string }[] }];
    assert.equal(changes[0]?.verdict, 'better');
  });

  test('runs that only one record has, and a file that is no record', async () => {
    const [one, other] = [join(folder, 'one.json'), join(folder, 'other.json')];
    await writeFile(one, JSON.stringify(ofRun(0)));
    await writeFile(other, JSON.stringify(ofRun(1)));
    const { code, stdout } = await compare(one, other);
    assert.equal(code, 0);
    assert.match(stdout, /only before/);
    assert.match(stdout, /only after/);
    const words = join(folder, 'record.json');
    await writeFile(words, '{"schemaVersion": 99}');
    const newer = await compare(one, words);
    assert.equal(newer.code, 2);
    assert.match(newer.stderr, /schema version 2 in .*, found schemaVersion 99/);
    assert.equal((await compare(one, join(folder, 'nowhere.json'))).code, 1);
    assert.equal((await compare(one, other, '--tolerance', 'much')).code, 2);
  });
});
