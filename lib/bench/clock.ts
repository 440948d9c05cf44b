import { setImmediate, setTimeout } from 'node:timers/promises';

/** Milliseconds that pass by themselves, or, in tests, when somebody says so. */
export interface Clock {
  now(): number;
  /** Resolves at `time` or just after it, never before. */
  sleepUntil(time: number, signal?: AbortSignal): Promise<void>;
}

/** Node's timers count whole milliseconds and fire up to one late; the kernel waits out the rest. */
const TIMER_MS = 2;

/** Nobody notifies it: a wait on it ends by its timeout. */
const NEVER = new Int32Array(new SharedArrayBuffer(4));

/**
 * The machine's monotonic clock, which all processes share. Its sleepUntil() blocks this thread for
 * the last two milliseconds, in the kernel, without taking a core from what is measured: it is for a
 * process that has nothing else to do. Each call lets the event loop turn once.
 */
export const realClock: Clock = {
  now: () => Number(process.hrtime.bigint()) / 1e6,
  async sleepUntil(time, signal) {
    const wait = time - realClock.now() - TIMER_MS;
    if (wait > 0) await setTimeout(wait, undefined, { signal });
    else await setImmediate(undefined, { signal });
    for (let left = time - realClock.now(); left > 0; left = time - realClock.now()) {
      Atomics.wait(NEVER, 0, 0, left);
    }
  },
};
