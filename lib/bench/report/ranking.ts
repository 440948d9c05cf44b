// Decides which runs and contestants are ranked, and in which order.
import type { Comparison, Contestant, Parity, Report, Run } from '../record';
import { SCENARIOS } from '../record';

type Ratio = NonNullable<Contestant['ratio']>;

/** Whether parity failed, so that the configuration must not be ranked. */
export function failedParity({ parity }: { parity: Parity | null }): boolean {
  return parity !== null && !parity.passed;
}

/** Sorts runs by scenario, precision and load. Runs that failed parity come last. */
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

/** Sorts the measured contestants: the fastest first, and those that failed parity last. */
export function orderContestants({ contestants }: Comparison): Contestant[] {
  return contestants
    .filter(({ status }) => status === 'measured')
    .sort(
      (a, b) =>
        Number(failedParity(a)) - Number(failedParity(b)) ||
        b.picturesPerSecond - a.picturesPerSecond,
    );
}

/** Returns the ratio of a contestant, or null unless both it and ours may be ranked. */
export function ratioOf({ contestants }: Comparison, contestant: Contestant): Ratio | null {
  const [ours] = contestants;
  return ours && isRanked(ours) && isRanked(contestant) ? contestant.ratio : null;
}

export interface RankedPeer {
  contestant: Contestant;
  ratio: Ratio;
}

/** Returns the peers with their ratios, the fastest first. */
export function rankedPeers(comparison: Comparison): RankedPeer[] {
  return comparison.contestants
    .flatMap((contestant) => {
      const ratio = ratioOf(comparison, contestant);
      return ratio === null ? [] : [{ contestant, ratio }];
    })
    .sort((a, b) => a.ratio.value - b.ratio.value);
}

/** Returns the fastest run whose parity was checked and passed. */
export function fastestRun({ runs }: Report): Run | undefined {
  return runs
    .filter(({ parity }) => parity?.passed)
    .reduce<Run | undefined>(
      (best, run) => (best && best.picturesPerSecond >= run.picturesPerSecond ? best : run),
      undefined,
    );
}
