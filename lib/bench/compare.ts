import type { Configuration, Report, Run, Window } from './record';
import { type Interval, ratioOfMedians } from './statistics';

/** Comparison of a run in one record with the same run in another. */
export interface Change {
  scenario: string;
  configuration: Configuration;
  /** Throughput after divided by before; above 1 is better. Null for a run at a given rate. */
  throughput: Interval | null;
  /** Median latency before divided by after; above 1 is better. */
  latency: Interval;
  verdict: 'better' | 'worse' | 'same' | 'unclear';
}

export interface Changes {
  changes: Change[];
  /** Runs that are in only one of the two records. */
  unmatched: { scenario: string; configuration: Configuration; in: 'before' | 'after' }[];
}

/**
 * Indexes runs by scenario and configuration. Rates may be derived from the machine's offline rate,
 * which varies, so runs at a rate are identified by their order.
 */
function byKey(runs: readonly Run[]): Map<string, Run> {
  const keyed = new Map<string, Run>();
  for (const run of runs) {
    const { rate, ...rest } = run.configuration;
    const base = JSON.stringify([run.scenario, rest, rate !== null]);
    let index = 0;
    while (keyed.has(`${base} ${index}`)) index += 1;
    keyed.set(`${base} ${index}`, run);
  }
  return keyed;
}

/**
 * Returns a figure's values in the windows of a run, or that of the whole run if it has no windows.
 */
function windowsOf({ windows, picturesPerSecond, latency }: Run, figure: keyof Window): number[] {
  if (windows.length > 0) return windows.map((one) => one[figure]);
  return [figure === 'p50' ? latency.p50 : picturesPerSecond];
}

function verdictOf(intervals: readonly Interval[], tolerance: number): Change['verdict'] {
  const least = 1 - tolerance;
  if (intervals.some(({ high }) => high < least)) return 'worse';
  if (intervals.some(({ low }) => low > 1 + tolerance)) return 'better';
  return intervals.every(({ low, high }) => low >= least && high <= 1 + tolerance)
    ? 'same'
    : 'unclear';
}

function changeOf(before: Run, after: Run, tolerance: number): Change {
  const latency = ratioOfMedians(windowsOf(after, 'p50'), windowsOf(before, 'p50'));
  const throughput =
    after.configuration.rate === null
      ? ratioOfMedians(
          windowsOf(before, 'picturesPerSecond'),
          windowsOf(after, 'picturesPerSecond'),
        )
      : null;
  const verdict = verdictOf(throughput === null ? [latency] : [throughput, latency], tolerance);
  const { scenario, configuration } = after;
  return { scenario, configuration, throughput, latency, verdict };
}

/**
 * Compares two records. A run counts as changed if the 95 % interval of a ratio is completely
 * beyond the tolerance.
 *
 * @param tolerance fraction of a figure that may be lost, e.g. 0.05
 */
export function compareReports(before: Report, after: Report, tolerance: number): Changes {
  const [old, now] = [byKey(before.runs), byKey(after.runs)];
  const changes: Change[] = [];
  const unmatched: Changes['unmatched'] = [];
  const only = ({ scenario, configuration }: Run, where: 'before' | 'after') =>
    unmatched.push({ scenario, configuration, in: where });
  for (const [key, run] of now) {
    const earlier = old.get(key);
    if (earlier === undefined) only(run, 'after');
    else changes.push(changeOf(earlier, run, tolerance));
  }
  for (const [key, run] of old) if (!now.has(key)) only(run, 'before');
  return { changes, unmatched };
}
