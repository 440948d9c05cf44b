import type { CustomSeriesRenderItem } from 'echarts';
import type { Latency, Run } from '../record';
import { type Bucket, bucketsOf } from './buckets';
import {
  BASE,
  type Chart,
  INK,
  logAxis,
  ON_PLOT,
  type Option,
  PLOT,
  seriesColour,
  valueAxis,
} from './chart';
import { formatCount, formatNumber } from './format';
import { columns, runName } from './rows';

/** Makes an axis of at least two octaves, so that a few buckets do not fill the chart. */
function histogramAxis(buckets: readonly Bucket[]) {
  const [low, high] = [buckets[0]?.low ?? 1, buckets.at(-1)?.high ?? 1];
  const spare = Math.sqrt(Math.max(1, 4 / (high / low)));
  return logAxis('x', 'latency of a query, ms', low / spare, high * spare);
}

function bar(buckets: readonly Bucket[]): CustomSeriesRenderItem {
  return ({ dataIndex }, api) => {
    const { low, high, count } = buckets[dataIndex] ?? { low: 1, high: 1, count: 0 };
    const [left = 0, top = 0] = api.coord([low, count]);
    const [right = 0, bottom = 0] = api.coord([high, 0]);
    // Leave a gap of one pixel between neighbours.
    const width = Math.max(1, right - left - 1);
    const shape = { x: left, y: top, width, height: bottom - top };
    return { type: 'rect', shape, style: { fill: seriesColour(0) } };
  };
}

function percentileLines({ p50, p99 }: Latency) {
  const label = (text: string, align: 'left' | 'right') =>
    ({ formatter: text, ...ON_PLOT, align, distance: 4 }) as const;
  return {
    silent: true,
    symbol: 'none',
    lineStyle: { color: INK, width: 1, type: 'dashed' as const },
    data: [
      { xAxis: p50, label: label('p50', 'right') },
      { xAxis: p99, label: label('p99', 'left') },
    ],
  };
}

function histogramOption({ latency }: Run): Option {
  const buckets = bucketsOf(latency);
  return {
    ...BASE,
    grid: PLOT,
    xAxis: { ...histogramAxis(buckets), splitLine: { show: false } },
    yAxis: { ...valueAxis('y', 'queries'), minInterval: 1 },
    series: [
      {
        type: 'custom',
        renderItem: bar(buckets),
        data: buckets.map(({ low, count }) => [low, count]),
        markLine: percentileLines(latency),
      },
    ],
  };
}

const HISTOGRAM_HEIGHT = 220;

export function histogramChart(run: Run, index: number): Chart {
  const { count, p50, p99, max } = run.latency;
  const figures = [p50, p99, max].map(formatNumber);
  return {
    id: `histogram-${index}`,
    title: 'Latency',
    caption: `${formatCount(count)} queries; p50 ${figures[0]}, p99 ${figures[1]}, longest ${figures[2]} ms.`,
    legend: [],
    full: false,
    height: () => HISTOGRAM_HEIGHT,
    option: () => histogramOption(run),
    values: {
      title: runName(run),
      columns: columns([], ['above, ms', 'up to, ms', 'queries']),
      rows: bucketsOf(run.latency).map((bucket) => ({
        cells: [formatNumber(bucket.low), formatNumber(bucket.high), formatCount(bucket.count)],
        failed: false,
      })),
      notes: [],
    },
  };
}
