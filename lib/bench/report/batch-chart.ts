import type { Run } from '../record';
import {
  BASE,
  type Chart,
  categoryAxis,
  ON_PLOT,
  type Option,
  PLOT,
  seriesColour,
  textWidth,
  valueAxis,
} from './chart';
import { formatCount, formatNumber } from './format';
import { columns, meanBatch, runName } from './rows';

const HEIGHT = 220;

/** Returns the count of every batch size up to the largest, including sizes that never occurred. */
function countsOf({ batches }: Run): [number, number][] {
  const largest = Math.max(1, ...Object.keys(batches).map(Number));
  return Array.from({ length: largest }, (_, i) => [i + 1, batches[i + 1] ?? 0]);
}

const COUNT = {
  ...ON_PLOT,
  position: 'top',
  formatter: ({ value }: { value?: unknown }) => (value === 0 ? '' : formatCount(Number(value))),
} as const;

function optionOf(run: Run, width: number): Option {
  const counts = countsOf(run);
  const room = (width - PLOT.left - PLOT.right) / counts.length;
  const widest = Math.max(...counts.map(([, count]) => textWidth(formatCount(count))));
  return {
    ...BASE,
    grid: PLOT,
    xAxis: categoryAxis(
      'images in a batch',
      counts.map(([size]) => String(size)),
    ),
    yAxis: { ...valueAxis('y', 'batches'), minInterval: 1 },
    series: [
      {
        type: 'bar',
        barMaxWidth: 40,
        barCategoryGap: '20%',
        itemStyle: { color: seriesColour(2) },
        data: counts.map(([, count]) => count),
        label: { ...COUNT, show: room > widest },
      },
    ],
  };
}

export function batchChart(run: Run, index: number): Chart {
  const counts = countsOf(run).filter(([, count]) => count > 0);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  return {
    id: `batches-${index}`,
    title: 'Batch sizes',
    caption: `${formatCount(total)} batches of ${formatNumber(meanBatch(run))} images on average.`,
    legend: [],
    full: false,
    height: () => HEIGHT,
    option: (width) => optionOf(run, width),
    values: {
      title: runName(run),
      columns: columns([], ['images', 'batches']),
      rows: counts.map(([size, count]) => ({
        cells: [String(size), formatCount(count)],
        failed: false,
      })),
      notes: [],
    },
  };
}
