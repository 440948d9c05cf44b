import { invalidRange } from '../arguments';
import { atRate, type Plan } from './plan';
import type { Run } from './record';

/** A bound on a percentile of latency. */
export interface Slo {
  percentile: 'p50' | 'p90' | 'p95' | 'p99' | 'p999';
  boundMs: number;
}

/**
 * Parses a bound such as "p99=50ms" or "p99.9=1.5s".
 *
 * @throws RangeError (ERR_INVALID_ARG)
 */
export function parseSlo(text: string): Slo {
  const match = /^(p50|p90|p95|p99|p99\.9)=(\d+(?:\.\d+)?)(ms|s)$/.exec(text);
  if (match === null) throw invalidRange('a bound such as p99=50ms', '--slo', text);
  const [, percentile = '', number, unit] = match;
  const boundMs = Number(number) * (unit === 's' ? 1000 : 1);
  return { percentile: percentile.replace('.', '') as Slo['percentile'], boundMs };
}

const STEPS = 7;

function keeps({ latency, refused, errors, queries }: Run, { percentile, boundMs }: Slo): boolean {
  const failed = refused > 0 || Object.keys(errors).length > 0;
  return queries > 0 && !failed && latency[percentile] <= boundMs;
}

/**
 * Finds the highest rate of queries at which the latency meets a bound, by bisection between 0 and
 * `most`. Returns the run at that rate, or that at the lowest rate tried if none met the bound.
 *
 * @param most queries per second that cannot be exceeded
 */
export async function searchGoodput(
  slo: Slo,
  most: number,
  run: (plan: Plan) => Promise<Run>,
): Promise<Run> {
  let [low, high] = [0, most];
  let best: Run | undefined;
  let last: Run | undefined;
  for (let step = 0; step < STEPS; step++) {
    const rate = (low + high) / 2;
    last = await run(atRate('slo', rate));
    if (keeps(last, slo)) {
      best = last;
      low = rate;
    } else high = rate;
  }
  const found = (best ?? last) as Run;
  return { ...found, goodput: { ...slo, rate: best === undefined ? 0 : low } };
}
