import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** Long enough for the monitor's timer to fire, so that it notices a hold-up that just ended. */
const MONITOR_MS = 5;

/**
 * Returns the longest time in ms for which the event loop was blocked while `body` ran. The monitor
 * wakes the process every millisecond, so nothing is timed during that.
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
