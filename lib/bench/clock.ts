import { setImmediate, setTimeout } from 'node:timers/promises';

/** A clock in milliseconds. Tests use one that they advance themselves. */
export interface Clock {
  now(): number;
  /** Resolves at `time` or just after it, never earlier. */
  sleepUntil(time: number, signal?: AbortSignal): Promise<void>;
}

/**
 * The last part of a wait blocks in the kernel, because Node's timers count whole milliseconds and
 * a wake-up by one costs three times as much. Signals and messages are delayed by at most this
 * time, in milliseconds.
 */
const BLOCKED_MS = 50;

/** Nobody notifies this memory, so that a wait on it always ends by its time-out. */
const NEVER = new Int32Array(new SharedArrayBuffer(4));

/**
 * The machine's monotonic clock, which all processes share. sleepUntil() gives the event loop one
 * turn and then blocks this thread, so that it takes no core from the measured process. Use it only
 * in a process that has nothing else to do.
 */
export const realClock: Clock = {
  now: () => Number(process.hrtime.bigint()) / 1e6,
  async sleepUntil(time, signal) {
    const wait = time - realClock.now() - BLOCKED_MS;
    if (wait > 0) await setTimeout(wait, undefined, { signal });
    else await setImmediate(undefined, { signal });
    for (let left = time - realClock.now(); left > 0; left = time - realClock.now()) {
      Atomics.wait(NEVER, 0, 0, left);
    }
  },
};
