// How LoadGen's figures and those of `llm2clip bench` stand to each other.
import type { Run } from '#lib/bench/record';
import { median } from '#lib/bench/statistics';
import type { ComparedScenario, Found } from './loadgen.mts';

/** Milliseconds: a query's latency; offline, of a picture over the first 50, 90, 99 % of them. */
export interface Figures {
  p50: number;
  p90: number;
  p99: number;
  queries: number;
  picturesPerSecond: number;
}

/** Largest difference from LoadGen's figure, as a share of it. */
export const TOLERANCES = { p50: 0.15, p90: 0.15, p99: 0.25 } as const;
type Percentile = keyof typeof TOLERANCES;
const PERCENTILES = Object.keys(TOLERANCES) as Percentile[];
const SHARES = { p50: 0.5, p90: 0.9, p99: 0.99 } as const;

/** Both of one scenario in one round, the first of them first. */
export interface Round {
  scenario: ComparedScenario;
  first: 'LoadGen' | 'llm2clip bench';
  loadgen: Figures;
  llm2clip: Figures;
  agree: Record<Percentile, boolean>;
}

/** The medians of all rounds. */
export interface Outcome extends Omit<Round, 'first'> {
  rounds: number;
}

const byPercentile = <T,>(of: (percentile: Percentile) => T) =>
  Object.fromEntries(PERCENTILES.map((one) => [one, of(one)])) as Record<Percentile, T>;

/** Offline LoadGen's latencies are the times at which so many pictures were done. */
export function figuresOfLoadGen(scenario: ComparedScenario, found: Found): Figures {
  const { queries, picturesPerSecond } = found;
  const latency = byPercentile((one) =>
    scenario === 'offline' ? found[one] / (SHARES[one] * queries) : found[one],
  );
  return { ...latency, queries, picturesPerSecond };
}

/** Milliseconds of a picture over the first share of a run, whose windows hold as many each. */
function paceOf({ windows, pictures }: Run, share: number): number {
  if (windows.length === 0) {
    throw new Error(
      `expected a run of some dozens of pictures, found ${pictures}: raise --seconds`,
    );
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

/** A scenario's rounds in one. */
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
