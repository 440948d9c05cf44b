import { setImmediate, setTimeout } from 'node:timers/promises';

/** Milliseconds that pass by themselves, or, in tests, when somebody says so. */
export interface Clock {
  now(): number;
  /** Resolves at `time` or just after it, never before. */
  sleepUntil(time: number, signal?: AbortSignal): Promise<void>;
}

/**
 * The last part of a wait is slept away in the kernel: Node's timers count whole milliseconds, and to
 * be woken by one costs three times as much. Signals and messages wait for so long at most.
 */
const BLOCKED_MS = 50;

/** Nobody notifies it: a wait on it ends by its timeout. */
const NEVER = new Int32Array(new SharedArrayBuffer(4));

/**
 * The machine's monotonic clock, which all processes share. sleepUntil() lets the event loop turn
 * once, then blocks this thread without taking a core from what is measured: it is for a process that
 * has nothing else to do.
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
