// The type of a chart, and the styles that all charts share.
import type { EChartsOption } from 'echarts';
import type { Table } from './rows';

export type Option = EChartsOption;

/** A chart of the page. It is drawn once for a wide screen and once for a phone. */
export interface Chart {
  /** Unique id, which tests use. */
  id: string;
  title: string;
  /** Explains how to read the chart and what it leaves out. */
  caption: string;
  legend: readonly LegendEntry[];
  /** Whether the chart takes the whole width of the page and not half of it. */
  full: boolean;
  /** Height in px. */
  height: (width: number) => number;
  option: (width: number) => Option;
  values: Table;
}

export interface LegendEntry {
  name: string;
  colour: string;
  symbol: SymbolName;
}

export const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond'] as const;
export type SymbolName = (typeof SYMBOLS)[number];

/** A colour that the page's style sheet sets for its light and dark variants. */
export const INK = 'var(--ink)';
export const MUTED = 'var(--muted)';
const RULE = 'var(--rule)';
/** Colour of text on the colours of the series. */
export const ON_SERIES = 'var(--on-series)';

const COLOURS = 8;
export const seriesColour = (index: number): string => `var(--series-${(index % COLOURS) + 1})`;

/** Returns a colour and a symbol: there are few colours, and not everybody can distinguish them. */
export function seriesStyle(index: number): { colour: string; symbol: SymbolName } {
  const turn = index + Math.floor(index / COLOURS);
  return { colour: seriesColour(index), symbol: SYMBOLS[turn % SYMBOLS.length] ?? 'circle' };
}

export const FONT = 12;

/** Style of text on a plot, with lines behind it. */
export const ON_PLOT = {
  color: INK,
  fontSize: FONT,
  textBorderColor: 'var(--ground)',
  textBorderWidth: 3,
} as const;

const PHONE = 480;

/** Whether a chart is so narrow that the names of rows are above their bars. */
export function isNarrow(width: number): boolean {
  return width < PHONE;
}

/** Estimates the width of a text in px, because no font is available to measure it. */
export function textWidth(text: string): number {
  return Math.ceil(0.62 * FONT * text.length);
}

export const BASE = {
  animation: false,
  backgroundColor: 'transparent',
  textStyle: { fontFamily: 'inherit', fontSize: FONT, color: INK },
} satisfies Option;

const AXIS = {
  axisLine: { show: false, lineStyle: { color: MUTED } },
  axisTick: { show: false, lineStyle: { color: MUTED } },
  splitLine: { show: true, lineStyle: { color: RULE, width: 1 } },
  axisLabel: { color: MUTED, fontSize: FONT, hideOverlap: true },
} as const;

/** Axis names are horizontal: below the middle of the x axis, above the top of the y axis. */
const X_NAME = {
  nameLocation: 'middle',
  nameGap: 28,
  nameTextStyle: { color: MUTED, fontSize: FONT },
} as const;
const Y_NAME = {
  nameLocation: 'end',
  nameGap: 12,
  nameTextStyle: {
    color: MUTED,
    fontSize: FONT,
    align: 'left',
    padding: [0, 0, 0, -48] as number[],
  },
} as const;

export const PLOT = { left: 52, right: 28, top: 36, bottom: 48, outerBoundsMode: 'none' } as const;

const NAMES = { x: X_NAME, y: Y_NAME };

export function valueAxis(side: 'x' | 'y', name: string) {
  const axisLabel = { ...AXIS.axisLabel, formatter: (value: number) => value.toLocaleString('en') };
  return { ...AXIS, ...NAMES[side], name, type: 'value', min: 0, axisLabel } as const;
}

/** Makes an x axis of categories, for bars of counts. */
export function categoryAxis(name: string, data: string[]) {
  return { ...AXIS, ...X_NAME, splitLine: { show: false }, name, type: 'category', data } as const;
}

/** Returns ticks at 1, 2 and 5 times each power of ten that enclose all values. */
function logTicks(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => first + i)
    .flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)))
    .sort((a, b) => a - b);
  const from = ticks.findLastIndex((tick) => tick <= low);
  const to = ticks.findIndex((tick) => tick >= high);
  return ticks.slice(Math.max(0, from), to < 0 ? undefined : to + 1);
}

export function logAxis(side: 'x' | 'y', name: string, low: number, high: number) {
  const ticks = logTicks(low, high);
  const axisLabel = {
    ...AXIS.axisLabel,
    customValues: ticks,
    formatter: (value: number) => Number(value.toPrecision(6)).toLocaleString('en'),
  };
  const axisTick = { ...AXIS.axisTick, customValues: ticks };
  const [min, max] = [ticks[0] ?? low, ticks.at(-1) ?? high];
  return { ...AXIS, ...NAMES[side], name, type: 'log', min, max, axisLabel, axisTick } as const;
}

/** Makes a latency axis, logarithmic if a linear one would crowd most of the values. */
export function latencyAxis(side: 'x' | 'y', name: string, values: readonly number[]) {
  const positive = values.filter((value) => value > 0);
  const [low, high] = [Math.min(...positive), Math.max(...positive)];
  return high > 8 * low ? logAxis(side, name, low, high) : valueAxis(side, name);
}
