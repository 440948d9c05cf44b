import type { Run } from '../record';
import { batchChart } from './batch-chart';
import { type ECharts, figures } from './draw';
import { formatNumber, plural } from './format';
import { histogramChart } from './histogram-chart';
import { escapeHtml, paragraphs, section } from './markup';
import { failedParity } from './ranking';
import { groupBy, parityCell, runName, runNotes, setupOf } from './rows';

/** Scenarios that are collapsed at first, because the charts already show their runs. */
const FOLDED = new Set(['concurrency', 'rate']);

/** @param setup setup of the run; null if all runs share it */
function runMarkup(run: Run, index: number, setup: string | null, echarts: ECharts): string {
  const facts = [
    `${formatNumber(run.picturesPerSecond)} images/s`,
    run.parity === null ? 'parity not checked' : `parity ${parityCell(run.parity)}`,
    ...runNotes(run),
    ...(setup === null ? [] : [setup]),
  ];
  const histogram = run.latency.buckets.length > 0 ? [histogramChart(run, index)] : [];
  const drawn = figures(echarts, [...histogram, batchChart(run, index)]);
  const mark = failedParity(run) ? 'run failed' : 'run';
  return `<div class="${mark}"><h3>${escapeHtml(runName(run))}</h3>${paragraphs([facts.join(' · ')], 'facts')}${drawn}</div>`;
}

/** Writes the distributions of each run, grouped by scenario. */
export function runByRun(runs: readonly Run[], echarts: ECharts): string {
  const setups = runs.map(({ configuration }) => setupOf(configuration));
  const several = new Set(setups).size > 1;
  const body = (run: Run) => {
    const index = runs.indexOf(run);
    return runMarkup(run, index, several ? (setups[index] ?? null) : null, echarts);
  };
  const scenarios = [...groupBy(runs, ({ scenario }) => scenario)].map(([scenario, group]) => {
    const open = FOLDED.has(scenario) ? '' : ' open';
    const bodies = group.map(body).join('\n');
    return `<details class="scenario"${open}><summary>${escapeHtml(scenario)} <span>${plural(group.length, 'run')}</span></summary>${bodies}</details>`;
  });
  return section('Run by run', [], scenarios.join('\n'));
}
