import type { Run, Scenario } from './record';

/** One run to make. */
export interface Plan {
  scenario: Scenario;
  /** Asked for together; the query is answered when all are. */
  picturesPerQuery: number;
  /** Callers, where each asks again when it has its answer; null where queries come at a rate. */
  concurrency: number | null;
  /** Queries a second; null where callers set the pace. */
  rate: number | null;
}

/** MLPerf's multi-stream query. */
const STREAMS = 8;

/**
 * MLPerf Inference's least numbers of queries (offline: of samples), each for at least 600 s, as its
 * mlperf.conf has them, without early stopping.
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

/** How long runs take, as the user wants it. */
export interface Lengths {
  seconds: number;
  minQueries: number;
  compliant: boolean;
}

const WARM_UP = 0.2;
const LONGEST_WARM_UP_MS = 10_000;
/** An unstable run goes on for so many times its length. */
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
/** As many under way as fill the engine and the batch behind it. */
export const offline = (maxBatch: number): Plan => closed('offline', 2 * maxBatch);
export const withConcurrency = (callers: number): Plan => closed('concurrency', callers);
export const atRate = (scenario: 'server' | 'rate' | 'slo', rate: number): Plan => ({
  scenario,
  picturesPerQuery: 1,
  concurrency: null,
  rate,
});
