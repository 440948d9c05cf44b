import { createHistogram } from 'node:perf_hooks';
import type { Latency, Run, Window } from './record';
import { median } from './statistics';

/** The outcome of a query: 'done', or the code of its error. */
export type QueryOutcome = 'done' | (string & {});

/** The times when a query was due and when it was answered, in ms of the run's clock. */
export interface Answer {
  due: number;
  finished: number;
  outcome: QueryOutcome;
}

/** The fields of a run that follow from the answers alone. */
export type Measured = Pick<
  Run,
  | 'stable'
  | 'durationMs'
  | 'queries'
  | 'pictures'
  | 'refused'
  | 'errors'
  | 'picturesPerSecond'
  | 'latency'
  | 'windows'
>;

const WINDOWS = 6;
const COMPARED = 3;
const AGREEMENT = 0.1;
/** Smallest number of answers that make a window. */
const LEAST_ANSWERS = 3;

const PERCENTILES = { p50: 50, p90: 90, p95: 95, p99: 99, p999: 99.9 } as const;

/**
 * Collects the answers of a run. Answers before `start()` belong to the warm-up. A query that was
 * pending at `start()` counts for the throughput, to make up for those pending at the end, but its
 * latency does not count.
 */
export class Recorder {
  readonly #imagesPerQuery: number;
  #started = Number.POSITIVE_INFINITY;
  #last = 0;
  /** Times of all answers since the start, in order. */
  readonly #finished: number[] = [];
  readonly #took: number[] = [];
  /** Latencies of the queries that were due since the start. */
  readonly #latencies: number[] = [];
  #refused = 0;
  readonly #errors = new Map<string, number>();
  #checkedAt = 0;
  #stable = false;

  constructor(picturesPerQuery: number) {
    this.#imagesPerQuery = picturesPerQuery;
  }

  /** Ends the warm-up. */
  start(now: number): void {
    this.#started = now;
    this.#last = now;
  }

  record({ due, finished, outcome }: Answer): void {
    if (finished < this.#started) return;
    const counts = due >= this.#started;
    if (outcome === 'done') {
      this.#finished.push(finished);
      this.#took.push(finished - due);
      if (counts) this.#latencies.push(finished - due);
    }
    if (!counts) return;
    this.#last = finished;
    if (outcome === 'done') return;
    if (outcome === 'ERR_QUEUE_FULL') this.#refused += 1;
    else this.#errors.set(outcome, (this.#errors.get(outcome) ?? 0) + 1);
  }

  get started(): number {
    return this.#started;
  }
  get answered(): number {
    return this.#latencies.length;
  }
  get refused(): number {
    return this.#refused;
  }
  get errors(): Record<string, number> {
    return Object.fromEntries(this.#errors);
  }
  /** Time from the start to the last answer. */
  get durationMs(): number {
    return Math.max(0, this.#last - this.#started);
  }
  get images(): number {
    return this.answered * this.#imagesPerQuery;
  }
  get picturesPerSecond(): number {
    const images = this.#finished.length * this.#imagesPerQuery;
    return this.durationMs > 0 ? (1000 * images) / this.durationMs : 0;
  }

  /** Returns windows with equal numbers of answers. */
  windows(): Window[] {
    const count = this.#finished.length;
    const size = Math.floor(count / WINDOWS);
    if (size < LEAST_ANSWERS) return [];
    const first = count - size * WINDOWS;
    return Array.from({ length: WINDOWS }, (_, i) => {
      const [from, to] = [first + i * size, first + (i + 1) * size];
      const begin = this.#finished[from - 1] ?? this.#started;
      const took = (this.#finished[to - 1] as number) - begin;
      return {
        picturesPerSecond: (1000 * size * this.#imagesPerQuery) / took,
        p50: median(this.#took.slice(from, to)),
      };
    });
  }

  /**
   * Whether the last three windows agree within 10 % in latency and, if the run sets its own pace,
   * in throughput. At a given rate the throughput is given, too.
   */
  isStable(ownPace: boolean): boolean {
    // Sorting all windows at every answer would disturb the measurement.
    if (this.answered >= 1.05 * this.#checkedAt) {
      this.#checkedAt = this.answered;
      this.#stable = this.#windowsAgree(ownPace);
    }
    return this.#stable;
  }

  #windowsAgree(ownPace: boolean): boolean {
    const last = this.windows().slice(-COMPARED);
    if (last.length < COMPARED) return false;
    const agree = (values: number[]) =>
      Math.max(...values) - Math.min(...values) <= AGREEMENT * Math.max(...values);
    return (
      agree(last.map(({ p50 }) => p50)) &&
      (!ownPace || agree(last.map(({ picturesPerSecond }) => picturesPerSecond)))
    );
  }

  /**
   * Returns the measurements of the run.
   *
   * @param ownPace see isStable()
   */
  measured(ownPace: boolean): Measured {
    const { answered, images: pictures, refused, errors, picturesPerSecond, durationMs } = this;
    return {
      ...{ stable: this.isStable(ownPace), durationMs, queries: answered, pictures },
      ...{ refused, errors, picturesPerSecond },
      latency: this.latency(),
      windows: this.windows(),
    };
  }

  latency(): Latency {
    const histogram = createHistogram({ figures: 3 });
    for (const ms of this.#latencies) histogram.record(Math.max(1, Math.round(ms * 1e6)));
    const count = this.#latencies.length;
    const at = (percentile: number) => (count === 0 ? 0 : histogram.percentile(percentile) / 1e6);
    const of = (name: keyof typeof PERCENTILES) => at(PERCENTILES[name]);
    return {
      count,
      mean: count === 0 ? 0 : this.#latencies.reduce((sum, x) => sum + x, 0) / count,
      p50: of('p50'),
      p90: of('p90'),
      p95: of('p95'),
      p99: of('p99'),
      p999: of('p999'),
      max: at(100),
      buckets: buckets(this.#latencies),
    };
  }
}

/** Logarithmic buckets, each 7 % wide. */
const BUCKETS_PER_OCTAVE = 10;

function buckets(latencies: readonly number[]): [number, number][] {
  const counts = new Map<number, number>();
  for (const ms of latencies) {
    const index = Math.ceil(BUCKETS_PER_OCTAVE * Math.log2(Math.max(ms, 1e-6)));
    counts.set(index, (counts.get(index) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([index, count]) => [2 ** (index / BUCKETS_PER_OCTAVE), count]);
}
