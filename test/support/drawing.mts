// Reads the drawings of a page as a browser shows them, in the coordinates of the chart.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Page } from 'playwright-core';

function findChromium(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin'];
  return ['chromium', 'chromium-browser', 'google-chrome']
    .flatMap((name) => folders.map((one) => join(one, name)))
    .find((path) => existsSync(path));
}

/** Path of the browser, if there is one. */
export const executablePath = findChromium();
/** Reason to skip tests that need the browser, or false. */
export const skip =
  executablePath === undefined &&
  'expected chromium on the PATH, found none; run: apt-get install chromium';

export const BROWSER_ARGUMENTS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

/** An element of the page as drawn, in px from the upper left of the page or of the drawing. */
export interface Drawn {
  tag: string;
  attributes: Record<string, string>;
  /** Text without that of its children. */
  text: string;
  /** Computed colour of the text. */
  colour: string;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

// These functions are strings because they run in the page, with its types and globals.
export const SNAPSHOT = `(root) => {
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

/** A chart on a wide screen, in its own coordinates. */
export class Drawing {
  readonly #elements: readonly Drawn[];

  private constructor(elements: readonly Drawn[]) {
    this.#elements = elements;
  }

  static async of(page: Page, id: string): Promise<Drawing> {
    const svg = `document.querySelector('[data-chart="${id}"] svg.wide')`;
    return new Drawing(await page.evaluate<Drawn[]>(`(${SNAPSHOT})(${svg})`));
  }

  /** Bars and symbols with their series and their index in it. */
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

  /** Returns the points of the line with this colour. */
  line(colour: string): [number, number][] {
    const line = this.#elements.find(
      ({ attributes: { fill, stroke } }) => fill === 'none' && stroke === colour,
    );
    const points = line?.attributes.d?.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g) ?? [];
    return [...points].map(([, x, y]) => [Number(x), Number(y)]);
  }

  /**
   * Returns a function from positions on an axis to values, based on the axis's first and last
   * labels.
   */
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

export const numberOf = (text: string) => Number(text.replaceAll(',', ''));

/** Asserts that two positions differ by at most one or two pixels of some hundreds. */
export function near(found: number, expected: number, range: number, what: string): void {
  assert.ok(Math.abs(found - expected) <= 0.012 * range, `${what}: ${found} for ${expected}`);
}

export function nearLog(found: number, expected: number, what: string): void {
  assert.ok(Math.abs(Math.log(found / expected)) < 0.05, `${what}: ${found} for ${expected}`);
}

/** Returns labels of a chart that are cut off or overlap another. */
export function misplaced(elements: readonly Drawn[]): string[] {
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

/** Returns the contrast by WCAG of two colours "rgb(r, g, b)". */
export function contrast(a: string, b: string): number {
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
