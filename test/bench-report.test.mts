// A benchmark's reports: what they say in text, and what the page draws, read back from its shapes.
import assert from 'node:assert/strict';
import { cpSync, existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { type Report, type Run, STAGES } from '#lib/bench/record';
import { htmlReport } from '#lib/bench/report/html';
import { markdownReport } from '#lib/bench/report/markdown';
import { terminalReport } from '#lib/bench/report/terminal';
import { fullReport, MODEL } from './support/bench-records.mts';
import { temporaryFolder } from './support/temporary.mts';

const report = fullReport();
const folder = temporaryFolder();

/** The lines from one that holds `text` up to the next empty one. */
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

describe('in the terminal', () => {
  const text = terminalReport(report);
  const runs = block(text, 'torchscript (kernels) on cpu, 2 threads');
  const batch1 = block(text, 'batch 1;');

  test('a row a run, with its figures', () => {
    const { text: offline } = row(runs, 'offline', 'bf16');
    for (const figure of ['16 callers', '5.90', '76.9 %', '0.999721', 'short']) {
      assert.ok(offline.includes(figure), `${figure} in ${offline}`);
    }
    assert.match(row(runs, 'multi-stream', 'bf16').text, /1 caller × 8 pictures/);
    assert.match(row(runs, 'server', 'bf16').text, /4\.72\/s .*3 refused, 1 ERR_TIMEOUT/);
    assert.match(row(runs, 'rate', '1.18/s').text, /short, unstable/);
    assert.doesNotMatch(row(runs, 'single-stream', 'bf16').text, /short|unstable/);
    assert.match(row(runs, 'slo', 'bf16').text, /3\.25\/s keeps p99\.9 ≤ 1,500 ms/);
  });

  test('columns are aligned', () => {
    const ends = runs.slice(1, -1).map((line) => line.search(/(0\.9|FAILED)/));
    assert.equal(new Set(ends.slice(1)).size, 1);
  });

  test('what failed parity comes last, and has no ratio', () => {
    const failed = runs.flatMap((line, i) => (line.includes('FAILED 0.971300 < 0.99') ? [i] : []));
    assert.deepEqual(failed, [runs.length - 4, runs.length - 3, runs.length - 2]);
    const ranked = ['llm2clip', 'torch <eager>', 'onnxruntime-node'].map(
      (name) => row(batch1.slice(1), name).index,
    );
    assert.deepEqual(ranked, [1, 2, 3]);
    const { index, text: wrong } = row(batch1.slice(1), 'onnxruntime int8');
    assert.equal(index, 4);
    assert.match(wrong, /FAILED 0\.971300 < 0\.99 +–$/);
  });

  test('ratios, what they mean, and who was skipped', () => {
    assert.match(row(batch1, 'torch <eager>').text, /1\.14 × \[1\.12, 1\.16\]$/);
    assert.match(row(batch1.slice(1), 'llm2clip').text, /ours$/);
    assert.equal(
      batch1.at(-1),
      'Skipped: openvino · bf16: not installed; run: npm install openvino-node',
    );
    assert.match(text, /a contestant’s time over ours.*above 1 ours is faster\.$/);
  });

  test('no ratio to ours where ours is wrong', () => {
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

  test('nothing in a name moves the cursor or breaks a line', () => {
    const hostile = structuredClone(report);
    for (const { configuration } of hostile.runs) configuration.model = 'a\u001b[2J\r\nb';
    assert.match(terminalReport(hostile), /^a \[2J b; torchscript/m);
  });

  test('a parity that is no number has failed', () => {
    const broken = structuredClone(report);
    for (const { parity } of broken.runs) {
      if (parity) Object.assign(parity, { minCosine: null, passed: false });
    }
    assert.match(terminalReport(broken), /FAILED NaN/);
    assert.match(htmlReport(broken), /passes parity/);
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

describe('as Markdown', () => {
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

  test('names are text', () => {
    assert.ok(text.includes('&lt;synthetic &amp; "quoted"&gt;'));
    assert.doesNotMatch(text, /<synthetic/);
  });
});

test('without echarts: what to run', () => {
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

function findChromium(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin'];
  return ['chromium', 'chromium-browser', 'google-chrome']
    .flatMap((name) => folders.map((one) => join(one, name)))
    .find((path) => existsSync(path));
}

const executablePath = findChromium();
const skip =
  executablePath === undefined &&
  'expected chromium on the PATH, found none; run: apt-get install chromium';

const ARGUMENTS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

/** An element of the page, as it is drawn; px from the page's, or the drawing's, upper left. */
interface Drawn {
  tag: string;
  attributes: Record<string, string>;
  /** Its own, without its children's. */
  text: string;
  /** Of text, as computed. */
  colour: string;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

// As text: these run in the page, whose types and globals are not this file's.
const SNAPSHOT = `(root) => {
  const frame = root.getBoundingClientRect();
  const scale = root.viewBox ? root.viewBox.baseVal.width / frame.width : 1;
  return [...root.querySelectorAll('*')].map((one) => {
    const { left, right, top, bottom } = one.getBoundingClientRect();
    const style = getComputedStyle(one);
    const own = [...one.childNodes].filter((node) => node.nodeType === 3);
    return {
      tag: one.tagName,
      attributes: Object.fromEntries([...one.attributes].map(({ name, value }) => [name, value])),
      text: own.map((node) => node.textContent).join('').trim(),
      colour: one instanceof SVGElement ? style.fill : style.color,
      left: scale * (left - frame.left), right: scale * (right - frame.left),
      top: scale * (top - frame.top), bottom: scale * (bottom - frame.top),
    };
  });
}`;

/** What a chart shows on a wide screen, in its own coordinates. */
class Drawing {
  readonly #elements: readonly Drawn[];

  private constructor(elements: readonly Drawn[]) {
    this.#elements = elements;
  }

  static async of(page: Page, id: string): Promise<Drawing> {
    const svg = `document.querySelector('[data-chart="${id}"] svg.wide')`;
    return new Drawing(await page.evaluate<Drawn[]>(`(${SNAPSHOT})(${svg})`));
  }

  /** Bars and symbols, by their series and place in it. */
  get shapes() {
    return this.#elements
      .filter(({ attributes: { fill } }) => fill?.startsWith('var(--series'))
      .map((one) => {
        const { 'data-series': series, 'data-index': index } = one.attributes;
        return { ...one, series: Number(series), index: Number(index) };
      });
  }

  get labels(): Drawn[] {
    return this.#elements.filter(({ tag }) => tag === 'text');
  }

  get texts(): string[] {
    return this.labels.map(({ text }) => text);
  }

  /** The points of a series' line, by its colour. */
  line(colour: string): [number, number][] {
    const line = this.#elements.find(
      ({ attributes: { fill, stroke } }) => fill === 'none' && stroke === colour,
    );
    const points = line?.attributes.d?.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g) ?? [];
    return [...points].map(([, x, y]) => [Number(x), Number(y)]);
  }

  /** From a place on an axis to its value, by the axis's own first and last labels. */
  scale(side: 'x' | 'y', kind: 'linear' | 'log'): (at: number) => number {
    const place = ({ left, right, top, bottom }: Drawn) =>
      side === 'x' ? (left + right) / 2 : (top + bottom) / 2;
    const ticks = this.labels
      .filter(({ attributes: { fill } }) => fill === 'var(--muted)')
      .filter(({ attributes }) => (attributes['text-anchor'] === 'end') === (side === 'y'))
      .map((label) => ({ at: place(label), value: numberOf(label.text) }))
      .filter(({ value }) => Number.isFinite(value))
      .sort((a, b) => a.value - b.value);
    const [first, last] = [ticks[0], ticks.at(-1)];
    assert.ok(first && last && ticks.length > 1, `no labels along ${side}`);
    const same = (value: number) => value;
    const [to, from] = kind === 'log' ? [Math.log, Math.exp] : [same, same];
    const slope = (to(last.value) - to(first.value)) / (last.at - first.at);
    return (at) => from(to(first.value) + slope * (at - first.at));
  }
}

const numberOf = (text: string) => Number(text.replaceAll(',', ''));

/** A pixel or two of some hundreds. */
function near(found: number, expected: number, range: number, what: string): void {
  assert.ok(Math.abs(found - expected) <= 0.012 * range, `${what}: ${found} for ${expected}`);
}

function nearLog(found: number, expected: number, what: string): void {
  assert.ok(Math.abs(Math.log(found / expected)) < 0.05, `${what}: ${found} for ${expected}`);
}

const GROUND = 'getComputedStyle(document.body).backgroundColor';

/** Labels of one chart that are cut off, or lie over another. */
function misplaced(elements: readonly Drawn[]): string[] {
  const labels = elements.filter(({ tag, right, left }) => tag === 'text' && right > left);
  const width = Number(elements.find(({ tag }) => tag === 'rect')?.attributes.width);
  const cut = labels.filter(({ left, right }) => left < -1 || right > width + 1);
  const over = labels.flatMap((a, i) =>
    labels.slice(i + 1).filter((b) => {
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      return wide > 2 && high > 4;
    }),
  );
  return [...cut.map(({ text }) => `cut: ${text}`), ...over.map(({ text }) => `over: ${text}`)];
}

/** As WCAG has it, of "rgb(r, g, b)". */
function contrast(a: string, b: string): number {
  const luminance = (colour: string) => {
    const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map((part) => {
      const value = Number(part) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

describe('as a page', { skip }, () => {
  let browser: Browser;
  let address: string;
  before(async () => {
    const path = join(folder, 'report.html');
    await writeFile(path, htmlReport(report));
    address = pathToFileURL(path).href;
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ARGUMENTS });
  });
  after(() => browser?.close());

  async function open(width = 1280, colorScheme: 'light' | 'dark' = 'light') {
    const viewport = { width, height: width > 500 ? 900 : 844 };
    const context = await browser.newContext({
      ...{ viewport, colorScheme, javaScriptEnabled: false, offline: true },
    });
    const page = await context.newPage();
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    await context.route(/^(?!file:)/, (route) => route.abort());
    await page.goto(address);
    await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
    return { page, requests, [Symbol.asyncDispose]: () => context.close() };
  }

  const runsOf = (scenario: Run['scenario'], precision: string) =>
    report.runs.filter(
      (run) => run.scenario === scenario && run.configuration.precision === precision,
    );

  test('asks for nothing but itself, and needs no script', async () => {
    await using opened = await open();
    assert.deepEqual(opened.requests, [address]);
    assert.equal(await opened.page.locator('script, link, img, iframe').count(), 0);
    assert.equal(await opened.page.locator('h1').textContent(), MODEL);
  });

  test('headline: the fastest that passes parity, its p99, the best peer', async () => {
    await using opened = await open();
    const figures = await opened.page.locator('.headlines dt').allTextContents();
    assert.deepEqual(figures, ['5.90pictures/s', '4,390ms p99', '1.00 ×best peer’s time']);
    const details = await opened.page.locator('.headlines dd').allTextContents();
    assert.match(details[0] ?? '', /^offline · bf16 · path · 16 callers: the fastest/);
    assert.match(details[2] ?? '', /torch <eager> · bf16.*\[0\.98, 1\.02\].*batch 1: 1\.14 ×/);
  });

  test('ratios: bars as long as they say', async () => {
    await using opened = await open();
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

  test('throughput against latency, of callers and of engines', async () => {
    await using opened = await open();
    const drawn = await Drawing.of(opened.page, 'curve-concurrency');
    const [x, y] = [drawn.scale('x', 'linear'), drawn.scale('y', 'log')];
    const expected = ['bf16', 'fp32'].flatMap((precision) => {
      const runs = runsOf('concurrency', precision);
      return [runs.map((run) => run.latency.p99), runs.map((run) => run.latency.p50)].map(
        (latencies) => runs.map((run, i) => [run.picturesPerSecond, latencies[i] ?? 0] as const),
      );
    });
    for (const [series, points] of expected.entries()) {
      for (const [index, [pictures, latency]] of points.entries()) {
        const shape = drawn.shapes.find((one) => one.series === series && one.index === index);
        assert.ok(shape, `point ${index} of line ${series}`);
        near(x((shape.left + shape.right) / 2), pictures, 6, 'pictures/s');
        nearLog(y((shape.top + shape.bottom) / 2), latency, 'latency');
      }
    }
    assert.equal(drawn.shapes.length, 20);
    const engines = await Drawing.of(opened.page, 'curve-comparison-0');
    assert.equal(engines.shapes.length, 6, 'three ranked engines at two batches');
  });

  test('histograms: a bar a bucket, as high as its count', async () => {
    await using opened = await open();
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
    await using opened = await open();
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
    await using opened = await open();
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

  test('batch sizes: a bar a size, with its count', async () => {
    await using opened = await open();
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
      await using opened = await open(width);
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
      await using opened = await open(1280, scheme);
      const all = await opened.page.evaluate<Drawn[]>(`(${SNAPSHOT})(document.body)`);
      const ground = await opened.page.evaluate<string>(GROUND);
      const bars = all.filter(
        ({ tag, attributes }) => tag === 'svg' && attributes.viewBox === '0 0 12 12',
      );
      const faults = all
        .filter(({ text }) => text !== '')
        .flatMap(({ text, colour, attributes: { fill } }) => {
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
        await using opened = await open(1280, scheme);
        return await opened.page.evaluate<string>(GROUND);
      }),
    );
    assert.deepEqual(grounds, ['rgb(255, 255, 255)', 'rgb(20, 22, 26)']);
  });
});
