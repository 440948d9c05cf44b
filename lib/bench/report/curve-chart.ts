// Charts of throughput against latency, for sweeps over callers and rates and for engines over
// batches.
import {
  BASE,
  type Chart,
  latencyAxis,
  ON_PLOT,
  type Option,
  PLOT,
  seriesStyle,
  valueAxis,
} from './chart';
import { formatNumber } from './format';
import { columns } from './rows';

export interface CurvePoint {
  /** Label of the point: the value that was varied. */
  label: string;
  picturesPerSecond: number;
  /** Latency of the solid line. */
  latency: number;
  /** Latency of the dashed line, if there is one. */
  median?: number;
}

export interface Curve {
  name: string;
  points: CurvePoint[];
}

export interface CurveChart {
  id: string;
  title: string;
  caption: string;
  /** Name of what was varied; it heads a column of the table. */
  varied: string;
  latencyName: string;
  full: boolean;
  curves: readonly Curve[];
}

const HEIGHT = 320;

function line({ points }: Curve, index: number) {
  const { colour, symbol } = seriesStyle(index);
  const shared = { type: 'line', color: colour, symbol, symbolSize: 8 } as const;
  const item = { color: colour, borderWidth: 0 };
  const medians = points.flatMap(({ picturesPerSecond, median }) =>
    median === undefined ? [] : [[picturesPerSecond, median]],
  );
  const solid = {
    ...shared,
    itemStyle: item,
    lineStyle: { width: 2, color: colour },
    data: points.map(({ picturesPerSecond, latency, label }) => ({
      value: [picturesPerSecond, latency],
      label: { formatter: label },
    })),
    label: { show: true, position: 'top', ...ON_PLOT, minMargin: 4 },
    labelLayout: { hideOverlap: true },
  } as const;
  const dashed = {
    ...shared,
    symbolSize: 5,
    itemStyle: item,
    lineStyle: { width: 1.5, type: 'dashed', color: colour },
    data: medians,
  } as const;
  return medians.length > 0 ? [solid, dashed] : [solid];
}

function optionOf({ curves, latencyName }: CurveChart): Option {
  const points = curves.flatMap((curve) => curve.points);
  const latencies = points.flatMap(({ latency, median }) => [latency, median ?? latency]);
  return {
    ...BASE,
    grid: PLOT,
    xAxis: valueAxis('x', 'images/s'),
    yAxis: latencyAxis('y', latencyName, latencies),
    series: curves.flatMap(line),
  };
}

function valueRows({ curves }: CurveChart) {
  return curves.flatMap(({ name, points }) =>
    points.map(({ label, picturesPerSecond, latency, median }) => ({
      cells: [
        ...[name, label, formatNumber(picturesPerSecond), formatNumber(latency)],
        ...(median === undefined ? [] : [formatNumber(median)]),
      ],
      failed: false,
    })),
  );
}

export function curveChart(chart: CurveChart): Chart {
  const { id, title, caption, varied, latencyName, full, curves } = chart;
  const hasMedian = curves.some(({ points }) => points.some(({ median }) => median !== undefined));
  const numbers = ['images/s', hasMedian ? 'p99 ms' : latencyName];
  return {
    id,
    title,
    caption,
    legend: curves.map(({ name }, i) => ({ name, ...seriesStyle(i) })),
    full,
    height: () => HEIGHT,
    option: () => optionOf(chart),
    values: {
      title,
      columns: columns(['series', varied], hasMedian ? [...numbers, 'p50 ms'] : numbers),
      rows: valueRows(chart),
      notes: [],
    },
  };
}
