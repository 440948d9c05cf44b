// Writes the parts of the page, from top to bottom.
import type { Report, Run } from '../record';
import { aloneWarnings } from './alone';
import type { Chart } from './chart';
import { costTable } from './cost-table';
import { cumulativeCharts } from './cumulative-chart';
import { engineCurves, loadCurves } from './curves';
import { type ECharts, figures } from './draw';
import { formatDate, oneLine } from './format';
import { headlines } from './headline';
import { machinePairs, softwarePairs } from './machine';
import { escapeHtml, pairsMarkup, paragraphs, scrolling, section, tableMarkup } from './markup';
import { orderRuns } from './ranking';
import { ratioChart } from './ratio-chart';
import {
  comparisonTables,
  groupBy,
  INTERRUPTED,
  RATIO_MEANING,
  runTables,
  setupOf,
  type Table,
} from './rows';
import { runByRun } from './run-by-run';
import { stageChart } from './stage-chart';
import { STYLE } from './style';

function header(report: Report): string {
  const { date, machine, interrupted, runs, comparisons } = report;
  const models = new Set([
    ...runs.map((run) => run.configuration.model),
    ...comparisons.map((one) => one.model),
  ]);
  const warnings = [...(interrupted ? [INTERRUPTED] : []), ...aloneWarnings(report)];
  const byline = [formatDate(date), `${oneLine(machine.cpu)}, ${machine.cores} cores`];
  const items = headlines(report).map(
    ({ figure, unit, detail }) =>
      `<div><dt>${escapeHtml(figure)}<span>${escapeHtml(unit)}</span></dt><dd>${escapeHtml(detail)}</dd></div>`,
  );
  return `<header><h1>${escapeHtml([...models].map(oneLine).join('; ') || 'Benchmark')}</h1>
${paragraphs([byline.join(' · ')], 'byline')}${paragraphs(warnings, 'warning')}
<dl class="headlines">${items.join('')}</dl></header>`;
}

function engines(report: Report, echarts: ECharts): string {
  const ratios = report.comparisons.flatMap((one, i) => ratioChart(one, i) ?? []);
  return section(
    'Against other engines',
    [],
    figures(echarts, [...ratios, ...engineCurves(report)]),
  );
}

/** Draws the charts of each setup's runs. Setups are named if there is more than one. */
function bySetup(
  runs: readonly Run[],
  echarts: ECharts,
  chartsOf: (runs: Run[]) => Chart[],
): string {
  const setups = [...groupBy(runs, ({ configuration }) => setupOf(configuration))];
  if (setups.length === 1) return figures(echarts, chartsOf([...runs]));
  return setups
    .flatMap(([setup, group], i) => {
      const charts = chartsOf(group).map((chart) => ({ ...chart, id: `${chart.id}-setup-${i}` }));
      const heading = `<h3 class="setup">${escapeHtml(setup)}</h3>`;
      return charts.length > 0 ? [heading + figures(echarts, charts)] : [];
    })
    .join('\n');
}

const LATENCY_INTRO =
  'Share of the queries that were answered within a time, by scenario; without the runs that failed parity.';

function charts(report: Report, runs: readonly Run[], echarts: ECharts): string {
  return [
    engines(report, echarts),
    section('Load', [], bySetup(runs, echarts, loadCurves)),
    section('Latency', [LATENCY_INTRO], bySetup(runs, echarts, cumulativeCharts)),
    section(
      'Stages',
      [],
      bySetup(runs, echarts, (group) => [stageChart(group)]),
    ),
    runByRun(runs, echarts),
  ].join('\n');
}

function tableBlock(table: Table): string {
  const body = table.rows.length > 0 ? tableMarkup(table, 'summary') : '';
  return `<div class="table"><h3>${escapeHtml(table.title)}</h3>${body}${paragraphs(table.notes)}</div>`;
}

function tables(report: Report): string {
  const all = [...runTables(report), ...(report.runs.length > 0 ? [costTable(report)] : [])];
  const intro = ['A configuration that failed parity comes last and is not ranked.'];
  const comparisons = comparisonTables(report).map(tableBlock).join('\n');
  return (
    section('Runs', intro, all.map(tableBlock).join('\n')) +
    section('Comparisons', [RATIO_MEANING], comparisons)
  );
}

function machine(report: Report): string {
  const command = scrolling('command', `<pre>${escapeHtml(oneLine(report.command))}</pre>`);
  const lists = `<div class="machine"><div><h3>Machine</h3>${pairsMarkup(machinePairs(report.machine))}</div>
<div><h3>Versions</h3>${pairsMarkup(softwarePairs(report))}</div></div>`;
  return section('Machine and versions', [], command + lists);
}

/** Forbids fetching and scripts, whatever text a record contains. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

export function page(report: Report, echarts: ECharts): string {
  const runs = orderRuns(report.runs);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>Benchmark, ${escapeHtml(formatDate(report.date))}</title>
<style>${STYLE}</style>
</head>
<body>
${header(report)}
<main>
${charts(report, runs, echarts)}
${tables(report)}
${machine(report)}
</main>
</body>
</html>
`;
}
