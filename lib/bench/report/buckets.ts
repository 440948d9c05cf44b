import type { Latency } from '../record';

/** The recorder has ten buckets per octave. Empty ones are not in the record. */
const BUCKET_RATIO = 2 ** 0.1;

/** The queries that took more than `low` and at most `high` ms. */
export interface Bucket {
  low: number;
  high: number;
  count: number;
}

export function bucketsOf({ buckets }: Latency): Bucket[] {
  return buckets.map(([high, count], i) => ({
    low: Math.max(high / BUCKET_RATIO, buckets[i - 1]?.[0] ?? 0),
    high,
    count,
  }));
}
