// The content of the tables in all reports.
import { formatCosine } from '../../eval/parity';
import { noiseOf } from '../noise';
import type { Comparison, Configuration, Contestant, Parity, Report, Run } from '../record';
import { aloneNotes } from './alone';
import {
  formatCount,
  formatNoise,
  formatNumber,
  formatPercent,
  formatPercentile,
  formatRatio,
  NONE,
  oneLine,
  plural,
} from './format';
import { failedParity, orderContestants, orderRuns, ratioOf } from './ranking';

export interface Column {
  name: string;
  /** Whether the column holds numbers, which are right-aligned. */
  number: boolean;
}

export interface Row {
  cells: string[];
  failed: boolean;
}

export interface Table {
  title: string;
  columns: readonly Column[];
  rows: Row[];
  /** Lines below the table. */
  notes: string[];
}

export const RATIO_MEANING =
  'Ratio: a contestant’s time divided by ours, with its 95 % interval; above 1 ours is faster.';
const RUN_NOTES = 'short: fewer queries or less time than MLPerf asks for.';
const NOISE_MEANING =
  'noise: half of the spread of a run’s windows, in throughput, or in latency at a given rate.';
export const INTERRUPTED = 'Interrupted: only what was finished by then is here.';

export function columns(texts: readonly string[], numbers: readonly string[]): Column[] {
  return [
    ...texts.map((name) => ({ name, number: false })),
    ...numbers.map((name) => ({ name, number: true })),
  ];
}

/** Describes the load: "8 callers", "40.0/s", "1 caller × 8 images". */
export function loadOf({ concurrency, rate, picturesPerQuery }: Configuration): string {
  const pace = rate === null ? plural(concurrency ?? 1, 'caller') : `${formatNumber(rate)}/s`;
  return picturesPerQuery === 1 ? pace : `${pace} × ${plural(picturesPerQuery, 'image')}`;
}

export function runName({ scenario, configuration }: Run): string {
  const { precision, input } = configuration;
  return [scenario, oneLine(precision), input, loadOf(configuration)].join(' · ');
}

/** Describes the setup that the runs of a table share. */
export function setupOf({ model, engine, device, threads, maxBatch }: Configuration): string {
  const what = `${oneLine(model)}; ${oneLine(engine)} on ${oneLine(device)}`;
  return `${what}, ${plural(threads, 'thread')}, batches of at most ${maxBatch}`;
}

export function contestantName({ name, precision }: Contestant): string {
  return `${oneLine(name)} · ${oneLine(precision)}`;
}

/** Name of our contestant, which the ratios of the others refer to. */
export function oursName({ contestants }: Comparison): string {
  return oneLine(contestants[0]?.name ?? 'ours');
}

export function comparisonName(comparison: Comparison): string {
  const { model, device, threads, batch, rounds } = comparison;
  const where = `${oneLine(model)} on ${oneLine(device)}, ${plural(threads, 'thread')}`;
  return `batch ${batch}; ${oursName(comparison)} beside others; ${where}, ${plural(rounds, 'round')}`;
}

export function parityCell(parity: Parity | null): string {
  if (parity === null) return 'not checked';
  const { minCosine, gate, passed } = parity;
  if (passed) return formatCosine(minCosine);
  // JSON has null in place of a NaN cosine.
  return Number.isFinite(minCosine) ? `FAILED ${formatCosine(minCosine)} < ${gate}` : 'FAILED NaN';
}

export function meanBatch({ batches }: Run): number {
  const sizes = Object.entries(batches);
  const count = sizes.reduce((sum, [, times]) => sum + times, 0);
  return sizes.reduce((sum, [size, times]) => sum + Number(size) * times, 0) / count;
}

function goodputNote({ goodput }: Run): string[] {
  if (goodput === null) return [];
  const bound = `${formatPercentile(goodput.percentile)} ≤ ${formatNumber(goodput.boundMs)} ms`;
  return [
    goodput.rate > 0 ? `${formatNumber(goodput.rate)}/s keeps ${bound}` : `none kept ${bound}`,
  ];
}

export function runNotes(run: Run): string[] {
  return [
    ...goodputNote(run),
    ...(run.compliant ? [] : ['short']),
    ...(run.stable ? [] : ['unstable']),
    ...(run.refused > 0 ? [`${formatCount(run.refused)} refused`] : []),
    ...Object.entries(run.errors).map(([code, count]) => `${formatCount(count)} ${oneLine(code)}`),
  ];
}

const RUN_COLUMNS: Column[] = [
  ...columns(
    ['scenario', 'precision', 'input', 'load'],
    ['images/s', 'noise', 'p50 ms', 'p90 ms', 'p99 ms', 'p99.9 ms', 'mean batch', 'of peak'],
  ),
  ...columns(['parity', 'notes'], []),
];

function runRow(run: Run): Row {
  const { scenario, configuration, latency, picturesPerSecond, compute, parity } = run;
  const { p50, p90, p99, p999 } = latency;
  return {
    cells: [
      ...[scenario, oneLine(configuration.precision), configuration.input, loadOf(configuration)],
      ...[formatNumber(picturesPerSecond), formatNoise(noiseOf(run))],
      ...[p50, p90, p99, p999, meanBatch(run)].map(formatNumber),
      formatPercent(compute?.share ?? null),
      parityCell(parity),
      runNotes(run).join(', '),
    ],
    failed: failedParity(run),
  };
}

/** Groups values by key, in the order in which the keys first occur. */
export function groupBy<T>(values: readonly T[], key: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) groups.set(key(value), [...(groups.get(key(value)) ?? []), value]);
  return groups;
}

/**
 * Makes one table per model, engine and setting, so that runs of a table differ in nothing else.
 */
export function runTables({ runs }: Report): Table[] {
  const setups = groupBy(orderRuns(runs), ({ configuration }) => setupOf(configuration));
  return [...setups].map(([title, group]) => ({
    title,
    columns: RUN_COLUMNS,
    rows: group.map(runRow),
    notes: [NOISE_MEANING, ...(group.some(({ compliant }) => !compliant) ? [RUN_NOTES] : [])],
  }));
}

const COMPARISON_COLUMNS = columns(
  ['contestant', 'precision'],
  ['images/s', 'p50 ms', 'min cosine', 'ratio'],
);

function contestantRow(comparison: Comparison, contestant: Contestant): Row {
  const { name, precision, picturesPerSecond, p50, parity } = contestant;
  const isOurs = contestant === comparison.contestants[0];
  const failed = failedParity(contestant);
  return {
    cells: [
      ...[oneLine(name), oneLine(precision), formatNumber(picturesPerSecond), formatNumber(p50)],
      parity === null ? NONE : parityCell(parity),
      isOurs && !failed ? 'ours' : formatRatio(ratioOf(comparison, contestant)),
    ],
    failed,
  };
}

/** Returns one line per contestant that was skipped or failed: "Skipped: name: reason". */
function notMeasured({ contestants }: Comparison): string[] {
  return contestants
    .filter(({ status }) => status !== 'measured')
    .map((contestant) => {
      const what = contestant.status === 'skipped' ? 'Skipped' : 'Failed';
      return `${what}: ${contestantName(contestant)}: ${oneLine(contestant.reason ?? 'no reason given')}`;
    });
}

export function comparisonTables({ comparisons }: Report): Table[] {
  return comparisons.map((comparison) => ({
    title: comparisonName(comparison),
    columns: COMPARISON_COLUMNS,
    rows: orderContestants(comparison).map((one) => contestantRow(comparison, one)),
    notes: [...notMeasured(comparison), ...aloneNotes(comparison)],
  }));
}
