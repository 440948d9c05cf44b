// Tests that the HTML report, in a headless browser, shows the numbers of the record.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { type Run, STAGES } from '#lib/bench/record';
import { htmlReport } from '#lib/bench/report/html';
import { fullReport, MODEL } from './support/bench-records.mts';
import {
  BROWSER_ARGUMENTS,
  contrast,
  Drawing,
  type Drawn,
  executablePath,
  misplaced,
  near,
  nearLog,
  numberOf,
  SNAPSHOT,
  skip,
} from './support/drawing.mts';
import { temporaryFolder } from './support/temporary.mts';

const report = fullReport();
const folder = temporaryFolder();
const GROUND = 'getComputedStyle(document.body).backgroundColor';
/**
 * Selects texts and the bars of legends, which have no text, so that only these elements are copied
 * out of the page.
 */
const COLOURED = `(${SNAPSHOT})(document.body)
  .filter(({ text, attributes }) => text !== '' || attributes.viewBox === '0 0 12 12')
  .map(({ tag, text, colour, attributes: { fill } }) => ({ tag, text, colour, fill }))`;
type Coloured = Pick<Drawn, 'tag' | 'text' | 'colour'> & { fill?: string };

describe('the report as a page', { skip }, () => {
  let browser: Browser;
  let address: string;
  before(async () => {
    const path = join(folder, 'report.html');
    await writeFile(path, htmlReport(report));
    address = pathToFileURL(path).href;
    browser = await chromium.launch({
      executablePath: executablePath ?? '',
      args: BROWSER_ARGUMENTS,
      timeout: 0,
    });
  });
  after(() => browser?.close());

  async function load(width: number, colorScheme: 'light' | 'dark') {
    const viewport = { width, height: width > 500 ? 900 : 844 };
    const context = await browser.newContext({
      ...{ viewport, colorScheme, javaScriptEnabled: false, offline: true },
    });
    context.setDefaultTimeout(0);
    const page = await context.newPage();
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    await context.route(/^(?!file:)/, (route) => route.abort());
    await page.goto(address);
    await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
    return { page, requests };
  }

  const loaded: Record<string, ReturnType<typeof load>> = {};
  /** Opens the report. Tests of the same page share it, because no test changes it. */
  function open(width = 1280, colorScheme: 'light' | 'dark' = 'light') {
    loaded[`${width} ${colorScheme}`] ??= load(width, colorScheme);
    return loaded[`${width} ${colorScheme}`] as ReturnType<typeof load>;
  }

  const runsOf = (scenario: Run['scenario'], precision: string) =>
    report.runs.filter(
      (run) => run.scenario === scenario && run.configuration.precision === precision,
    );

  test('loads nothing else, and needs no script', async () => {
    const opened = await open();
    assert.deepEqual(opened.requests, [address]);
    assert.equal(await opened.page.locator('script, link, img, iframe').count(), 0);
    assert.equal(await opened.page.locator('h1').textContent(), MODEL);
  });

  test('headline: the fastest run that passes parity, its p99, and the best peer', async () => {
    const opened = await open();
    const figures = await opened.page.locator('.headlines dt').allTextContents();
    assert.deepEqual(figures, ['5.90images/s', '4,390ms p99', '1.00 ×best peer’s time']);
    const details = await opened.page.locator('.headlines dd').allTextContents();
    assert.match(details[0] ?? '', /^offline · bf16 · path · 16 callers: the fastest/);
    assert.match(details[2] ?? '', /torch <eager> · bf16.*\[0\.98, 1\.02\].*batch 1: 1\.14 ×/);
  });

  test('ratios: the length of each bar equals its label', async () => {
    const opened = await open();
    const drawn = await Drawing.of(opened.page, 'ratio-0');
    const x = drawn.scale('x', 'linear');
    const bars = drawn.shapes.sort((a, b) => a.top - b.top);
    assert.equal(bars.length, 2);
    for (const [i, value] of [1.14, 2.9].entries()) {
      near(x(bars[i]?.right ?? 0), value, 3, 'ratio');
      near(x(bars[i]?.left ?? 0), 0, 3, 'start');
    }
    const { texts } = drawn;
    assert.ok(texts.includes('1.14 × [1.12, 1.16]') && texts.includes('2.90 × [2.84, 2.96]'));
    assert.ok(!texts.some((text) => text.includes('int8')), 'the wrong one is not ranked');
    const caption = await opened.page.locator('[data-chart="ratio-0"] figcaption').textContent();
    assert.match(caption ?? '', /Not ranked, for failed parity: onnxruntime int8/);
  });

  test('throughput against latency, by number of callers and by engine', async () => {
    const opened = await open();
    const drawn = await Drawing.of(opened.page, 'curve-concurrency');
    const [x, y] = [drawn.scale('x', 'linear'), drawn.scale('y', 'log')];
    const expected = ['bf16', 'fp32'].flatMap((precision) => {
      const runs = runsOf('concurrency', precision);
      return [runs.map((run) => run.latency.p99), runs.map((run) => run.latency.p50)].map(
        (latencies) => runs.map((run, i) => [run.picturesPerSecond, latencies[i] ?? 0] as const),
      );
    });
    for (const [series, points] of expected.entries()) {
      for (const [index, [images, latency]] of points.entries()) {
        const shape = drawn.shapes.find((one) => one.series === series && one.index === index);
        assert.ok(shape, `point ${index} of line ${series}`);
        near(x((shape.left + shape.right) / 2), images, 6, 'images/s');
        nearLog(y((shape.top + shape.bottom) / 2), latency, 'latency');
      }
    }
    assert.equal(drawn.shapes.length, 20);
    const engines = await Drawing.of(opened.page, 'curve-comparison-0');
    assert.equal(engines.shapes.length, 6, 'three ranked engines at two batches');
  });

  test('histograms: one bar per bucket, as high as its count', async () => {
    const opened = await open();
    const [run] = runsOf('single-stream', 'bf16');
    assert.ok(run);
    const drawn = await Drawing.of(opened.page, 'histogram-0');
    const [x, y] = [drawn.scale('x', 'log'), drawn.scale('y', 'linear')];
    const { buckets } = run.latency;
    assert.equal(drawn.shapes.length, buckets.length);
    for (const [i, [high, count]] of buckets.entries()) {
      nearLog(x(drawn.shapes[i]?.right ?? 0), high, 'upper bound');
      near(y(drawn.shapes[i]?.top ?? 0), count, 150, 'queries');
    }
    const cells = await opened.page.locator('[data-chart="histogram-0"] td').allTextContents();
    assert.deepEqual(
      cells.filter((_, i) => i % 3 === 2).map(numberOf),
      buckets.map(([, count]) => count),
    );
  });

  test('distributions rise with the buckets', async () => {
    const opened = await open();
    const drawn = await Drawing.of(opened.page, 'cdf-3');
    const [x, y] = [drawn.scale('x', 'log'), drawn.scale('y', 'linear')];
    for (const [i, precision] of ['bf16', 'fp32'].entries()) {
      const [run] = runsOf('server', precision);
      const points = drawn.line(`var(--series-${i + 1})`);
      assert.ok(run);
      const { buckets, count } = run.latency;
      assert.equal(points.length, buckets.length + 1);
      let below = 0;
      for (const [j, [high, times]] of buckets.entries()) {
        below += times;
        const [px, py] = points[j + 1] ?? [0, 0];
        nearLog(x(px), high, 'ms');
        near(y(py), (100 * below) / count, 100, 'share');
      }
    }
  });

  test('stages: shares of their sum, labelled in ms', async () => {
    const opened = await open();
    const drawn = await Drawing.of(opened.page, 'stages');
    const x = drawn.scale('x', 'linear');
    const [run] = runsOf('single-stream', 'bf16');
    assert.ok(run);
    const means = STAGES.map((stage) => run.stages[stage].mean);
    const sum = means.reduce((total, mean) => total + mean, 0);
    for (const [series, mean] of means.entries()) {
      const bar = drawn.shapes.find((one) => one.series === series && one.index === 0);
      assert.ok(bar);
      near(x(bar.right) - x(bar.left), (100 * mean) / sum, 100, STAGES[series] ?? '');
    }
    const { texts } = drawn;
    assert.ok(texts.includes('169') && texts.includes('178 ms'));
    assert.ok(texts.includes('FAILED · offline · int8 · path · 16 callers'));
  });

  test('batch sizes: one bar per size, with its count', async () => {
    const opened = await open();
    const { page } = opened;
    const chart = page
      .locator('.run', { hasText: 'offline · bf16 · path · 16 callers' })
      .locator('[data-chart^="batches-"]');
    const drawn = await Drawing.of(page, (await chart.getAttribute('data-chart')) ?? '');
    const [run] = runsOf('offline', 'bf16');
    assert.ok(run);
    const y = drawn.scale('y', 'linear');
    for (const [size, count] of Object.entries(run.batches)) {
      const bar = drawn.shapes.find(({ index }) => index === Number(size) - 1);
      assert.ok(bar);
      near(y(bar.top), count, 40, `batches of ${size}`);
      const inked = drawn.labels.filter(({ attributes }) => attributes.fill === 'var(--ink)');
      assert.ok(inked.some(({ text }) => text === String(count)));
    }
    const cells = await chart.locator('td').allTextContents();
    assert.deepEqual(cells, Object.entries(run.batches).flat().map(String));
  });

  for (const width of [1280, 390]) {
    test(`${width} px wide: nothing runs over, no label over another`, async () => {
      const opened = await open(width);
      const scrollWidth = await opened.page.evaluate('document.documentElement.scrollWidth');
      assert.equal(scrollWidth, width);
      const shown = `[...document.querySelectorAll('.chart svg')].filter((one) => one.clientWidth)`;
      const charts = await opened.page.evaluate<Drawn[][]>(`${shown}.map(${SNAPSHOT})`);
      assert.ok(charts.length > 70);
      assert.deepEqual(charts.flatMap(misplaced), []);
    });
  }

  for (const scheme of ['light', 'dark'] as const) {
    test(`${scheme}: text stands out from its ground`, async () => {
      const opened = await open(1280, scheme);
      const all = await opened.page.evaluate<Coloured[]>(COLOURED);
      const ground = await opened.page.evaluate<string>(GROUND);
      const bars = all.filter(({ tag }) => tag === 'svg');
      const faults = all
        .filter(({ text }) => text !== '')
        .flatMap(({ text, colour, fill }) => {
          const behind = fill === 'var(--on-series)' ? bars.map((one) => one.colour) : [ground];
          const least = Math.min(...behind.map((one) => contrast(colour, one)));
          return least < 4.5 ? [`${text}: ${least}`] : [];
        });
      assert.deepEqual(faults, []);
    });
  }

  test('light and dark differ', async () => {
    const grounds = await Promise.all(
      (['light', 'dark'] as const).map(async (scheme) => {
        const opened = await open(1280, scheme);
        return await opened.page.evaluate<string>(GROUND);
      }),
    );
    assert.deepEqual(grounds, ['rgb(255, 255, 255)', 'rgb(20, 22, 26)']);
  });
});
