// Chooses the figures at the top of the report.
import type { Comparison, Report } from '../record';
import { formatInterval, formatNumber } from './format';
import { fastestRun, rankedPeers } from './ranking';
import { contestantName, parityCell, runName } from './rows';

export interface Headline {
  figure: string;
  unit: string;
  /** Describes what the figure measures. */
  detail: string;
}

function fastest(report: Report): Headline[] {
  const run = fastestRun(report);
  if (run === undefined) {
    const detail = 'Parity was not checked, or failed, in every run.';
    return [{ figure: 'None', unit: 'passes parity', detail }];
  }
  const { picturesPerSecond, latency, parity } = run;
  const name = runName(run);
  return [
    {
      figure: formatNumber(picturesPerSecond),
      unit: 'images/s',
      detail: `${name}: the fastest that passes parity, with a least cosine of ${parityCell(parity)}`,
    },
    { figure: formatNumber(latency.p99), unit: 'ms p99', detail: `of a query in ${name}` },
  ];
}

/** Compares ours with the fastest peer, in the comparison in which ours has the most throughput. */
function againstPeer({ comparisons }: Report): Headline[] {
  const ours = ({ contestants }: Comparison) => contestants[0]?.picturesPerSecond ?? 0;
  const ranked = comparisons
    .map((comparison) => ({ comparison, best: rankedPeers(comparison)[0] }))
    .sort((a, b) => ours(b.comparison) - ours(a.comparison));
  const first = ranked.find(({ best }) => best !== undefined);
  if (first?.best === undefined) return [];
  const { contestant, ratio } = first.best;
  const others = ranked.flatMap(({ comparison: { batch }, best }) =>
    best === undefined || best === first.best
      ? []
      : [`batch ${batch}: ${best.ratio.value.toFixed(2)} × ${contestantName(best.contestant)}`],
  );
  const detail = `${contestantName(contestant)}, the fastest other engine, over ours at batch ${first.comparison.batch} ${formatInterval(ratio)}; above 1 ours is faster`;
  return [
    {
      figure: `${ratio.value.toFixed(2)} ×`,
      unit: 'best peer’s time',
      detail: [detail, ...others].join('; '),
    },
  ];
}

export function headlines(report: Report): Headline[] {
  return [...(report.runs.length > 0 ? fastest(report) : []), ...againstPeer(report)];
}
