import { isMainThread } from 'node:worker_threads';

/**
 * How often an idle thread of libgomp looks for work before it sleeps: some ten microseconds. Its own
 * default, about a millisecond, takes the cores from decoding and from the event loop between small
 * batches (measured with bench/serving.mts: 5.1 ms of event-loop delay, not 2.3), and gains nothing
 * on large ones.
 */
const SPIN_COUNT = '5000';

/**
 * Runs `open`, within which libgomp is loaded and reads its settings; those of the user stay as they
 * are. A worker's environment is a copy, which libgomp does not see.
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
