// What may be ranked, in which order, and what comes first.
import type { Comparison, Contestant, Parity, Report, Run } from '../record';
import { SCENARIOS } from '../record';

type Ratio = NonNullable<Contestant['ratio']>;

/** Embeddings that are wrong are not fast. */
export function failedParity({ parity }: { parity: Parity | null }): boolean {
  return parity !== null && !parity.passed;
}

/** By scenario, precision and load; those whose parity failed at the end. */
export function orderRuns(runs: readonly Run[]): Run[] {
  const load = ({ configuration: { concurrency, rate } }: Run) => concurrency ?? rate ?? 0;
  const text = ({ configuration: { precision, input } }: Run) => `${precision} ${input}`;
  return [...runs].sort(
    (a, b) =>
      Number(failedParity(a)) - Number(failedParity(b)) ||
      SCENARIOS.indexOf(a.scenario) - SCENARIOS.indexOf(b.scenario) ||
      text(a).localeCompare(text(b)) ||
      load(a) - load(b),
  );
}

export function isRanked(contestant: Contestant): boolean {
  return contestant.status === 'measured' && !failedParity(contestant);
}

/** Who was measured: fastest first, then those whose parity failed. */
export function orderContestants({ contestants }: Comparison): Contestant[] {
  return contestants
    .filter(({ status }) => status === 'measured')
    .sort(
      (a, b) =>
        Number(failedParity(a)) - Number(failedParity(b)) ||
        b.picturesPerSecond - a.picturesPerSecond,
    );
}

/** Null unless both this one and ours may be ranked. */
export function ratioOf({ contestants }: Comparison, contestant: Contestant): Ratio | null {
  const [ours] = contestants;
  return ours && isRanked(ours) && isRanked(contestant) ? contestant.ratio : null;
}

export interface RankedPeer {
  contestant: Contestant;
  ratio: Ratio;
}

/** The others with their ratios, the fastest first. */
export function rankedPeers(comparison: Comparison): RankedPeer[] {
  return comparison.contestants
    .flatMap((contestant) => {
      const ratio = ratioOf(comparison, contestant);
      return ratio === null ? [] : [{ contestant, ratio }];
    })
    .sort((a, b) => a.ratio.value - b.ratio.value);
}

/** Of those whose parity was checked and passed. */
export function fastestRun({ runs }: Report): Run | undefined {
  return runs
    .filter(({ parity }) => parity?.passed)
    .reduce<Run | undefined>(
      (best, run) => (best && best.picturesPerSecond >= run.picturesPerSecond ? best : run),
      undefined,
    );
}
