// Checks whether the figures of LoadGen and of `llm2clip bench` agree.
import type { Run } from '#lib/bench/record';
import { median } from '#lib/bench/statistics';
import type { ComparedScenario, Found } from './loadgen.mts';

/**
 * Milliseconds: a query's latency, or offline, the time per image over the first 50, 90 and 99 % of
 * the images.
 */
export interface Figures {
  p50: number;
  p90: number;
  p99: number;
  queries: number;
  picturesPerSecond: number;
}

/** The largest allowed difference, as a share of LoadGen's figure. */
export const TOLERANCES = { p50: 0.15, p90: 0.15, p99: 0.25 } as const;
type Percentile = keyof typeof TOLERANCES;
const PERCENTILES = Object.keys(TOLERANCES) as Percentile[];
const SHARES = { p50: 0.5, p90: 0.9, p99: 0.99 } as const;

/** Both results for one scenario in one round. */
export interface Round {
  scenario: ComparedScenario;
  first: 'LoadGen' | 'llm2clip bench';
  loadgen: Figures;
  llm2clip: Figures;
  agree: Record<Percentile, boolean>;
}

/** The medians over all rounds. */
export interface Outcome extends Omit<Round, 'first'> {
  rounds: number;
}

const byPercentile = <T,>(of: (percentile: Percentile) => T) =>
  Object.fromEntries(PERCENTILES.map((one) => [one, of(one)])) as Record<Percentile, T>;

/** Offline, LoadGen's latencies are the times from the start until that many images were done. */
export function figuresOfLoadGen(scenario: ComparedScenario, found: Found): Figures {
  const { queries, picturesPerSecond } = found;
  const latency = byPercentile((one) =>
    scenario === 'offline' ? found[one] / (SHARES[one] * queries) : found[one],
  );
  return { ...latency, queries, picturesPerSecond };
}

/**
 * Milliseconds per image over the first `share` of a run. Its windows contain equal numbers of
 * images.
 */
function paceOf({ windows, pictures: images }: Run, share: number): number {
  if (windows.length === 0) {
    throw new Error(`expected a run of some dozens of images, found ${images}: raise --seconds`);
  }
  const whole = share * windows.length;
  const took = windows.map(({ picturesPerSecond }, i) => {
    const part = Math.min(1, Math.max(0, whole - i));
    return (1000 * part) / picturesPerSecond;
  });
  return took.reduce((sum, ms) => sum + ms, 0) / whole;
}

export function figuresOfRun(scenario: ComparedScenario, run: Run): Figures {
  const { latency, queries, picturesPerSecond } = run;
  const figure = (one: Percentile) =>
    scenario === 'offline' ? paceOf(run, SHARES[one]) : latency[one];
  return { ...byPercentile(figure), queries, picturesPerSecond };
}

export function agreement(loadgen: Figures, llm2clip: Figures): Record<Percentile, boolean> {
  return byPercentile(
    (one) => Math.abs(llm2clip[one] - loadgen[one]) <= TOLERANCES[one] * loadgen[one],
  );
}

/** Combines the rounds of a scenario. */
export function outcomeOf(scenario: ComparedScenario, rounds: readonly Round[]): Outcome {
  const own = rounds.filter((round) => round.scenario === scenario);
  const medians = (who: 'loadgen' | 'llm2clip'): Figures => {
    const of = (figure: keyof Figures) => median(own.map((round) => round[who][figure]));
    const [queries, picturesPerSecond] = [of('queries'), of('picturesPerSecond')];
    return { ...byPercentile(of), queries, picturesPerSecond };
  };
  const [loadgen, llm2clip] = [medians('loadgen'), medians('llm2clip')];
  return { scenario, rounds: own.length, loadgen, llm2clip, agree: agreement(loadgen, llm2clip) };
}
