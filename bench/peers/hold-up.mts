import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** So long that the monitor's timer fires, which tells it of a hold-up that is over. */
const MONITOR_MS = 5;

/**
 * The longest that the event loop is held up while `body` runs, in ms. The monitor wakes the process
 * each millisecond: nothing is timed meanwhile.
 */
export async function longestHoldUp(body: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  try {
    await sleep(MONITOR_MS);
    await body();
    await sleep(MONITOR_MS);
  } finally {
    delay.disable();
  }
  return delay.max / 1e6;
}
