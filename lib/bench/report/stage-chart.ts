import { type Run, STAGES, type Stage } from '../record';
import { BAR_WIDTH, type BarRows, barsHeight, barsPlot, nameAxis, plotWidth } from './bars';
import {
  BASE,
  type Chart,
  FONT,
  INK,
  ON_SERIES,
  type Option,
  seriesColour,
  textWidth,
  valueAxis,
} from './chart';
import { formatNumber } from './format';
import { failedParity } from './ranking';
import { columns, runName } from './rows';

/** Margins in px. The right one has room for the sums. */
const MARGINS = { top: 4, right: 84, bottom: 44 } as const;

/** Waiting is grey. */
const COLOURS: Readonly<Record<Stage, string>> = {
  decode: seriesColour(2),
  preprocess: seriesColour(5),
  queue: seriesColour(7),
  run: seriesColour(0),
  deliver: seriesColour(1),
};

function totalOf({ stages }: Run): number {
  return STAGES.reduce((sum, stage) => sum + stages[stage].mean, 0);
}

function nameOf(run: Run): string {
  return failedParity(run) ? `FAILED · ${runName(run)}` : runName(run);
}

/** A stage of all runs in percent of each run's total. It is labelled in ms if the label fits. */
function segment(runs: readonly Run[], stage: Stage, room: number) {
  return runs.map((run) => {
    const { mean } = run.stages[stage];
    const share = mean / (totalOf(run) || 1);
    const text = formatNumber(mean);
    const label = { color: ON_SERIES, fontSize: FONT, formatter: text };
    return { value: 100 * share, label: { ...label, show: share * room > textWidth(text) + 6 } };
  });
}

function rowsOf(runs: readonly Run[], width: number): BarRows {
  return { names: runs.map(nameOf), width, ...MARGINS };
}

function optionOf(runs: readonly Run[], width: number): Option {
  const rows = rowsOf(runs, width);
  const room = plotWidth(rows);
  const totals = {
    ...nameAxis({ ...rows, width: Number.POSITIVE_INFINITY }),
    position: 'right',
    data: runs.map((run) => `${formatNumber(totalOf(run))} ms`),
    axisLabel: { color: INK, fontSize: FONT, interval: 0 },
  } as const;
  return {
    ...BASE,
    grid: barsPlot(rows),
    xAxis: { ...valueAxis('x', 'share of the time, %'), max: 100 },
    yAxis: [nameAxis(rows), totals],
    series: STAGES.map((stage) => ({
      type: 'bar',
      name: stage,
      stack: 'stages',
      barWidth: BAR_WIDTH,
      itemStyle: { color: COLOURS[stage] },
      data: segment(runs, stage, room),
    })),
  };
}

export function stageChart(runs: readonly Run[]): Chart {
  return {
    id: 'stages',
    title: 'Time of an image by stage',
    caption:
      'Mean time of an image in each stage: in ms on the bars, and as a share of the sum, which is on the right. “run” is the time of a whole batch.',
    legend: STAGES.map((name) => ({ name, colour: COLOURS[name], symbol: 'rect' })),
    full: true,
    height: (width) => barsHeight(rowsOf(runs, width)),
    option: (width) => optionOf(runs, width),
    values: {
      title: 'Mean ms of each stage',
      columns: columns(['run'], [...STAGES, 'sum']),
      rows: runs.map((run) => ({
        cells: [
          runName(run),
          ...STAGES.map((stage) => formatNumber(run.stages[stage].mean)),
          formatNumber(totalOf(run)),
        ],
        failed: failedParity(run),
      })),
      notes: [],
    },
  };
}
