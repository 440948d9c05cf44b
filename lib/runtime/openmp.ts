import { isMainThread } from 'node:worker_threads';

/**
 * Number of spins, about ten microseconds, before an idle thread of libgomp sleeps. With libgomp's
 * default of about a millisecond, idle threads take the cores from decoding and from the event loop
 * between small batches (bench/serving.mts measured 5.1 ms of event-loop delay instead of 2.3 ms),
 * and large batches gain nothing.
 */
const SPIN_COUNT = '5000';

/**
 * Runs `open`, which loads libgomp, with the spin count in the environment. A setting of the user
 * takes precedence. In a worker it has no effect, because libgomp does not see a worker's
 * environment.
 */
export async function withBriefSpinning<T>(open: () => Promise<T>): Promise<T> {
  const { GOMP_SPINCOUNT, OMP_WAIT_POLICY } = process.env;
  if (!isMainThread || GOMP_SPINCOUNT !== undefined || OMP_WAIT_POLICY !== undefined) return open();
  process.env.GOMP_SPINCOUNT = SPIN_COUNT;
  try {
    return await open();
  } finally {
    delete process.env.GOMP_SPINCOUNT;
  }
}
