// Tests the text reports of a benchmark: what they say, and which results they never rank.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Report } from '#lib/bench/record';
import { htmlReport } from '#lib/bench/report/html';
import { markdownReport } from '#lib/bench/report/markdown';
import { terminalReport } from '#lib/bench/report/terminal';
import { fullReport } from './support/bench-records.mts';
import { temporaryFolder } from './support/temporary.mts';

const report = fullReport();
const folder = temporaryFolder();

/** Returns the lines from the one that contains `start` to the next empty line. */
function block(text: string, start: string): string[] {
  const lines = text.split('\n');
  const first = lines.findIndex((line) => line.includes(start));
  assert.ok(first >= 0, `no line with ${start}`);
  const length = lines.slice(first).indexOf('');
  return lines.slice(first, length < 0 ? undefined : first + length);
}

const row = (lines: readonly string[], ...words: string[]) => {
  const index = lines.findIndex((line) => words.every((word) => line.includes(word)));
  assert.ok(index >= 0, `no line with ${words.join(', ')} in\n${lines.join('\n')}`);
  return { index, text: lines[index] ?? '' };
};

describe('the report in the terminal', () => {
  const text = terminalReport(report);
  const runs = block(text, 'torchscript (kernels) on cpu, 2 threads');
  const batch1 = block(text, 'batch 1;');

  test('one row per run, with its numbers', () => {
    const { text: offline } = row(runs, 'offline', 'bf16');
    for (const figure of ['16 callers', '5.90', '76.9 %', '0.999721', 'short']) {
      assert.ok(offline.includes(figure), `${figure} in ${offline}`);
    }
    assert.match(row(runs, 'multi-stream', 'bf16').text, /1 caller × 8 images/);
    assert.match(row(runs, 'server', 'bf16').text, /4\.72\/s .*3 refused, 1 ERR_TIMEOUT/);
    assert.match(row(runs, 'rate', '1.18/s').text, /short, unstable/);
    assert.doesNotMatch(row(runs, 'single-stream', 'bf16').text, /short|unstable/);
    assert.match(row(runs, 'slo', 'bf16').text, /3\.25\/s keeps p99\.9 ≤ 1,500 ms/);
  });

  test('columns are aligned', () => {
    const ends = runs.slice(1, -2).map((line) => line.search(/(0\.9|FAILED)/));
    assert.equal(new Set(ends.slice(1)).size, 1);
  });

  test('runs that fail parity come last and have no ratio', () => {
    const failed = runs.flatMap((line, i) => (line.includes('FAILED 0.971300 < 0.99') ? [i] : []));
    assert.deepEqual(failed, [runs.length - 5, runs.length - 4, runs.length - 3]);
    const ranked = ['llm2clip', 'torch <eager>', 'onnxruntime-node'].map(
      (name) => row(batch1.slice(1), name).index,
    );
    assert.deepEqual(ranked, [1, 2, 3]);
    const { index, text: wrong } = row(batch1.slice(1), 'onnxruntime int8');
    assert.equal(index, 4);
    assert.match(wrong, /FAILED 0\.971300 < 0\.99 +–$/);
  });

  test('ratios, their meaning, and the skipped peers', () => {
    assert.match(row(batch1, 'torch <eager>').text, /1\.14 × \[1\.12, 1\.16\]$/);
    assert.match(row(batch1.slice(1), 'llm2clip').text, /ours$/);
    assert.equal(
      batch1.at(-1),
      'Skipped: openvino · bf16: not installed; run: npm install openvino-node',
    );
    assert.match(text, /a contestant’s time divided by ours.*above 1 ours is faster\.$/);
  });

  test('no ratio to ours if ours fails parity', () => {
    const wrong = structuredClone(report);
    for (const { contestants } of wrong.comparisons) {
      const [ours] = contestants;
      if (ours?.parity) ours.parity.passed = false;
    }
    assert.doesNotMatch(terminalReport(wrong), /\[1\.12/);
  });

  test('an interrupted report says so; an empty one is no error', () => {
    const empty: Report = { ...report, interrupted: true, runs: [], comparisons: [] };
    assert.match(terminalReport(empty), /^Interrupted/m);
    assert.match(markdownReport(empty), /Interrupted/);
    assert.match(htmlReport(empty), /Interrupted/);
    assert.doesNotMatch(terminalReport(report), /Interrupted/);
  });

  test('control characters and line breaks in names are escaped', () => {
    const hostile = structuredClone(report);
    for (const { configuration } of hostile.runs) configuration.model = 'a\u001b[2J\r\nb';
    assert.match(terminalReport(hostile), /^a \[2J b; torchscript/m);
  });

  test('a parity of NaN fails', () => {
    const broken = structuredClone(report);
    for (const { parity } of broken.runs) {
      if (parity) Object.assign(parity, { minCosine: null, passed: false });
    }
    assert.match(terminalReport(broken), /FAILED NaN/);
    assert.match(htmlReport(broken), /passes parity/);
  });
});

describe('alone and in company', () => {
  const inEachFormat = (changed: Report) =>
    [terminalReport(changed), markdownReport(changed), htmlReport(changed)].map(plain);
  /** Removes the escapes, which differ between the formats. */
  const plain = (text: string) =>
    text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('\\', '');

  /**
   * Returns a report whose first comparison was also timed alone: ours took 1 % longer in company,
   * the first peer `ratio` times as long.
   */
  function timedAlone(ratio: number): Report {
    const changed = structuredClone(report);
    const [ours, peer] = changed.comparisons[0]?.contestants ?? [];
    const times = { before: [2.2, 2.2], after: [2.3] };
    if (ours) ours.alone = { ...times, ratio: 1.01, agrees: true };
    if (peer) peer.alone = { ...times, ratio, agrees: ratio < 1.03 };
    return changed;
  }

  test('contestants whose times differ are named before the numbers and below the table', () => {
    for (const text of inEachFormat(timedAlone(1.31))) {
      const warning = text.indexOf(
        'Time differs by more than 3 % from the time alone: onnxruntime-node.',
      );
      const table = text.indexOf('min cosine');
      const note = text.search(
        /Time differs by more than 3 % from the time alone: onnxruntime-node 1\.31 × \(alone 2,200 ms before and 2,300 ms after the comparison\)/,
      );
      assert.ok(warning >= 0 && warning < table && table < note, text.slice(0, 500));
      assert.doesNotMatch(text, /Each took/);
    }
  });

  test('a note says that all agree', () => {
    for (const text of inEachFormat(timedAlone(0.98))) {
      assert.match(text, /Each took 0\.98 × to 1\.01 × its time alone/);
      assert.doesNotMatch(text, /Time differs/);
    }
  });

  test('a record without these times says nothing about them', () => {
    for (const text of inEachFormat(report)) assert.doesNotMatch(text, /time alone/);
  });

  test('several groups are listed', () => {
    const changed = structuredClone(report);
    const groups = [
      ['llm2clip', 'onnxruntime-node'],
      ['llm2clip', 'torch <eager>'],
    ];
    for (const comparison of changed.comparisons) comparison.groups = groups;
    for (const text of inEachFormat(changed)) {
      assert.match(text, /groups: llm2clip, onnxruntime-node; llm2clip, torch <eager>\./);
    }
    for (const comparison of changed.comparisons) comparison.groups = groups.slice(0, 1);
    for (const text of inEachFormat(changed)) assert.doesNotMatch(text, /groups:/);
  });
});

test('runs without an answer, and of several setups, are reported', () => {
  const odd = structuredClone(report);
  for (const [i, { configuration, latency }] of odd.runs.entries()) {
    configuration.threads = 1 + (i % 2);
    if (i % 3 === 0) Object.assign(latency, { count: 0, p50: 0, p99: 0, buckets: [] });
  }
  for (const run of odd.runs.slice(0, 2)) run.batches = {};
  assert.match(terminalReport(odd), /cpu, 1 thread,.*cpu, 2 threads,/s);
  const page = htmlReport(odd);
  assert.doesNotMatch(page, /NaN|Infinity|undefined/);
  const ids = [...page.matchAll(/data-chart="([^"]*)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.includes('stages-setup-0') && ids.includes('stages-setup-1'));
});

describe('the report as Markdown', () => {
  const text = markdownReport(report);

  test('tables, machine, versions, command and date', () => {
    const lines = text.split('\n');
    row(lines, '2026-11-24 05:15 UTC');
    row(lines, `    ${report.command}`);
    row(lines, '| CPU | AMD EPYC 9R14, 2 cores |');
    row(lines, '| libtorch | 2.9.1 |');
    row(lines, '| onnxruntime-node | 1.2.3 |');
    row(lines, '| offline | bf16 | path | 16 callers | 5.90 |');
    row(lines, '| torch &lt;eager&gt; | bf16 |', '| 1.14 × [1.12, 1.16] |');
    row(lines, '- Skipped: openvino · bf16');
  });

  test('every row has its table’s cells; failed ones come last', () => {
    const tables = text
      .trim()
      .split('\n\n')
      .filter((part) => part.startsWith('|'));
    assert.equal(tables.length, 5);
    for (const table of tables) {
      const cells = table.split('\n').map((line) => line.split(/(?<!\\)\|/).length);
      assert.equal(new Set(cells).size, 1, table);
    }
    for (const table of tables.slice(0, 3)) assert.match(table.split('\n').at(-1) ?? '', /FAILED/);
  });

  test('names are escaped', () => {
    assert.ok(text.includes('&lt;synthetic &amp; "quoted"&gt;'));
    assert.doesNotMatch(text, /<synthetic/);
  });
});

test('without echarts the error names the command to run', () => {
  const copy = join(folder, 'dist');
  cpSync(fileURLToPath(new URL('../dist', import.meta.url)), copy, { recursive: true });
  const { htmlReport: bare } = createRequire(import.meta.url)(
    join(copy, 'bench/report/html.js'),
  ) as { htmlReport: typeof htmlReport };
  assert.throws(() => bare(report), {
    code: 'ERR_RUNTIME_MISSING',
    message: 'expected echarts for the HTML report, found none; run: npm install echarts',
  });
});
