// Chooses the charts of throughput against latency for a report.
import type { Comparison, Report, Run } from '../record';
import type { Chart } from './chart';
import { type Curve, type CurvePoint, curveChart } from './curve-chart';
import { formatNumber, oneLine, plural } from './format';
import { failedParity, isRanked } from './ranking';
import { contestantName, groupBy } from './rows';

const SWEEPS = {
  concurrency: { title: 'More callers', varied: 'callers', numbers: 'callers' },
  rate: { title: 'Higher rates', varied: 'queries/s', numbers: 'queries a second' },
} as const;
type Sweep = keyof typeof SWEEPS;

function pointOf({ configuration, picturesPerSecond, latency }: Run): CurvePoint {
  const { rate, concurrency } = configuration;
  const label = rate === null ? String(concurrency ?? 1) : formatNumber(rate);
  return { label, picturesPerSecond, latency: latency.p99, median: latency.p50 };
}

function sweepCurves(runs: readonly Run[]): Curve[] {
  const name = ({ configuration: { precision, input } }: Run) => `${oneLine(precision)} · ${input}`;
  return [...groupBy(runs, name)].map(([key, group]) => ({
    name: key,
    points: group.map(pointOf),
  }));
}

function leftOut(names: readonly string[]): string {
  const unique = [...new Set(names)];
  return unique.length > 0 ? ` Left out, for failed parity: ${unique.join(', ')}.` : '';
}

function sweepChart(runs: readonly Run[], scenario: Sweep): Chart[] {
  const all = runs.filter((run) => run.scenario === scenario);
  const curves = sweepCurves(all.filter((run) => !failedParity(run)));
  if (curves.length === 0) return [];
  const { title, varied, numbers } = SWEEPS[scenario];
  const failed = leftOut(
    all.filter(failedParity).map((run) => oneLine(run.configuration.precision)),
  );
  return [
    curveChart({
      id: `curve-${scenario}`,
      title: `${title}: throughput against latency`,
      caption: `Solid p99, dashed p50 of a query; the numbers are ${numbers}.${failed}`,
      varied,
      latencyName: 'latency, ms',
      full: false,
      curves,
    }),
  ];
}

function contestantCurves(comparisons: readonly Comparison[]): Curve[] {
  const points = [...comparisons]
    .sort((a, b) => a.batch - b.batch)
    .flatMap(({ batch, contestants }) =>
      contestants.filter(isRanked).map((contestant) => ({ batch, contestant })),
    );
  return [...groupBy(points, ({ contestant }) => contestantName(contestant))].map(
    ([name, group]) => ({
      name,
      points: group.map(({ batch, contestant: { picturesPerSecond, p50 } }) => ({
        label: String(batch),
        picturesPerSecond,
        latency: p50,
      })),
    }),
  );
}

/** Makes one chart per setting in which engines were compared, over the batch sizes. */
export function engineCurves({ comparisons }: Report): Chart[] {
  const key = ({ model, device, threads }: Comparison) =>
    `${oneLine(model)} on ${oneLine(device)}, ${plural(threads, 'thread')}`;
  return [...groupBy(comparisons, key)].flatMap(([where, group], index) => {
    const curves = contestantCurves(group);
    const failed = group.flatMap(({ contestants }) =>
      contestants.filter(failedParity).map(contestantName),
    );
    if (curves.length === 0) return [];
    return [
      curveChart({
        id: `curve-comparison-${index}`,
        title: 'All engines: throughput against latency',
        caption: `${where}. Median time of a batch; the numbers are images per batch.${leftOut(failed)}`,
        varied: 'batch',
        latencyName: 'p50 of a batch, ms',
        full: true,
        curves,
      }),
    ];
  });
}

/** @param runs runs of one setup, in order */
export function loadCurves(runs: readonly Run[]): Chart[] {
  return [...sweepChart(runs, 'concurrency'), ...sweepChart(runs, 'rate')];
}
