import { invalidRange } from '../arguments';
import { type Slo, searchGoodput } from './goodput';
import { atRate, multiStream, offline, type Plan, singleStream, withConcurrency } from './plan';
import type { Run, Scenario } from './record';

/** The user's options for the scenarios. */
export interface ScenarioOptions {
  /** Queries per second for 'server'. Default: 0.8 × the offline rate. */
  rate: number | undefined;
  /** Queries per second for 'rate'. Default: fractions of the offline rate. */
  rates: readonly number[] | undefined;
  /** Numbers of callers for 'concurrency'. */
  concurrency: readonly number[];
  /** Bound for 'slo'. */
  slo: Slo | undefined;
}

/** The tools with which a scenario makes its runs. */
export interface Bench extends ScenarioOptions {
  maxBatch: number;
  make: (plan: Plan) => Promise<Run>;
  /** Returns the images per second of scenario 'offline', and runs it if it has not run yet. */
  most: () => Promise<number>;
}

const SERVER_SHARE = 0.8;
const RATE_SHARES = [0.2, 0.4, 0.6, 0.8, 0.9];
/**
 * Upper limit of the search, as a multiple of the offline rate, which cannot be exceeded for long.
 */
const SEARCH_SHARE = 1.1;

type Runs = (bench: Bench) => AsyncGenerator<Run>;

/** The runs of each scenario. */
export const RUNS: Readonly<Record<Scenario, Runs>> = {
  async *'single-stream'({ make }) {
    yield make(singleStream());
  },
  async *'multi-stream'({ make }) {
    yield make(multiStream());
  },
  async *offline({ make, maxBatch }) {
    yield make(offline(maxBatch));
  },
  async *server({ make, most, rate }) {
    yield make(atRate('server', rate ?? SERVER_SHARE * (await most())));
  },
  async *concurrency({ make, concurrency }) {
    for (const callers of concurrency) yield make(withConcurrency(callers));
  },
  async *rate({ make, most, rates }) {
    const best = rates === undefined ? await most() : 0;
    for (const rate of rates ?? RATE_SHARES.map((share) => share * best)) {
      yield make(atRate('rate', rate));
    }
  },
  async *slo({ make, most, slo }) {
    if (slo === undefined) throw invalidRange('a bound such as p99=50ms', '--slo', slo);
    yield searchGoodput(slo, SEARCH_SHARE * (await most()), make);
  },
};
