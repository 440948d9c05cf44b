import type { Run, Scenario } from './record';

/** The load of one run. */
export interface Plan {
  scenario: Scenario;
  /** Number of images per query. The query is answered when all of them are. */
  picturesPerQuery: number;
  /** Number of callers, each of which waits for its answer; null if queries come at a rate. */
  concurrency: number | null;
  /** Queries per second; null if callers set the pace. */
  rate: number | null;
}

/** Images per query in MLPerf's multi-stream scenario. */
const STREAMS = 8;

/**
 * MLPerf Inference's minimum numbers of queries (for offline, of samples), for at least 600 s each,
 * from its mlperf.conf, without early stopping.
 */
const COMPLIANT_QUERIES: Partial<Record<Scenario, number>> = {
  'single-stream': 1024,
  'multi-stream': 270_336,
  offline: 24_576,
  server: 270_336,
};
const COMPLIANT_MS = 600_000;

export function isCompliant({ scenario, queries, durationMs }: Run): boolean {
  const least = COMPLIANT_QUERIES[scenario];
  return least !== undefined && queries >= least && durationMs >= COMPLIANT_MS;
}

/** The lengths of runs that the user asked for. */
export interface Lengths {
  seconds: number;
  minQueries: number;
  compliant: boolean;
}

const WARM_UP = 0.2;
const LONGEST_WARM_UP_MS = 10_000;
/** An unstable run may take up to this many times its length. */
const PATIENCE = 3;

export function limitsOf({ scenario }: Plan, { seconds, minQueries, compliant }: Lengths) {
  const least = compliant ? COMPLIANT_QUERIES[scenario] : undefined;
  const minMs = Math.max(1000 * seconds, least === undefined ? 0 : COMPLIANT_MS);
  return {
    warmUpMs: Math.min(WARM_UP * minMs, LONGEST_WARM_UP_MS),
    minQueries: Math.max(minQueries, least ?? 0),
    minMs,
    maxMs: least === undefined ? PATIENCE * minMs : Number.POSITIVE_INFINITY,
  };
}

const closed = (scenario: Scenario, concurrency: number, picturesPerQuery = 1): Plan => ({
  scenario,
  picturesPerQuery,
  concurrency,
  rate: null,
});

export const singleStream = (): Plan => closed('single-stream', 1);
export const multiStream = (): Plan => closed('multi-stream', 1, STREAMS);
/** Keeps enough images pending to fill the running batch and the next one. */
export const offline = (maxBatch: number): Plan => closed('offline', 2 * maxBatch);
export const withConcurrency = (callers: number): Plan => closed('concurrency', callers);
export const atRate = (scenario: 'server' | 'rate' | 'slo', rate: number): Plan => ({
  scenario,
  picturesPerQuery: 1,
  concurrency: null,
  rate,
});
