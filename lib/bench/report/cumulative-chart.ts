// The cumulative distribution of latency: the fraction of queries answered within a time, per run.
import type { Latency, Run } from '../record';
import { bucketsOf } from './buckets';
import { BASE, type Chart, logAxis, type Option, PLOT, seriesStyle, valueAxis } from './chart';
import { formatCount, formatNumber, oneLine } from './format';
import { failedParity } from './ranking';
import { columns, groupBy, loadOf } from './rows';

/** Returns points [ms, percentage of queries that took at most this time]. */
function cumulative(latency: Latency): [number, number][] {
  const buckets = bucketsOf(latency);
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  let below = 0;
  const points = buckets.map(({ high, count }): [number, number] => {
    below += count;
    return [high, (100 * below) / total];
  });
  return [[buckets[0]?.low ?? 1, 0], ...points];
}

function optionOf(runs: readonly Run[]): Option {
  const lines = runs.map(({ latency }) => cumulative(latency));
  const times = lines.flat().map(([ms]) => ms);
  return {
    ...BASE,
    grid: PLOT,
    xAxis: logAxis('x', 'latency of a query, ms', Math.min(...times), Math.max(...times)),
    yAxis: { ...valueAxis('y', 'queries that took at most so long, %'), max: 100, interval: 25 },
    series: lines.map((data, i) => {
      const { colour, symbol } = seriesStyle(i);
      // A symbol at every point would blur the line; about ten symbols identify it.
      const every = Math.max(1, Math.ceil(data.length / 10));
      const size = (_: unknown, { dataIndex }: { dataIndex: number }) =>
        dataIndex % every === i % every ? 7 : 0;
      const style = { lineStyle: { width: 2, color: colour }, itemStyle: { color: colour } };
      return { type: 'line', data, symbol, symbolSize: size, ...style };
    }),
  };
}

const HEIGHT = 300;
const VALUES = columns(
  ['run'],
  ['queries', 'mean ms', 'p50 ms', 'p90 ms', 'p95 ms', 'p99 ms', 'p99.9 ms', 'longest ms'],
);

function nameOf({ configuration }: Run): string {
  const { precision, input } = configuration;
  return [oneLine(precision), input, loadOf(configuration)].join(' · ');
}

function cells(run: Run): string[] {
  const { count, mean, p50, p90, p95, p99, p999, max } = run.latency;
  return [
    nameOf(run),
    formatCount(count),
    ...[mean, p50, p90, p95, p99, p999, max].map(formatNumber),
  ];
}

function chartOf(title: string, index: number, runs: readonly Run[]): Chart {
  return {
    id: `cdf-${index}`,
    title,
    caption: '',
    legend: runs.map((run, i) => ({ name: nameOf(run), ...seriesStyle(i) })),
    full: false,
    height: () => HEIGHT,
    option: () => optionOf(runs),
    values: {
      title,
      columns: VALUES,
      rows: runs.map((run) => ({ cells: cells(run), failed: false })),
      notes: [],
    },
  };
}

/** Largest number of lines that can be distinguished. */
const MOST_LINES = 6;

/**
 * Draws a scenario's runs in one chart, or in one chart per precision and input if there are many.
 */
export function cumulativeCharts(runs: readonly Run[]): Chart[] {
  const shown = runs.filter((run) => !failedParity(run) && run.latency.buckets.length > 0);
  const kind = ({ scenario, configuration: { precision, input } }: Run) =>
    [scenario, oneLine(precision), input].join(' · ');
  return [...groupBy(shown, ({ scenario }) => scenario)]
    .flatMap(([scenario, group]) =>
      group.length > MOST_LINES ? [...groupBy(group, kind)] : [[scenario, group] as const],
    )
    .map(([title, group], index) => chartOf(title, index, group));
}
