/** Milliseconds that pass by themselves, or, in tests, when somebody says so. */
export interface Clock {
  now(): number;
  sleepUntil(time: number): Promise<void>;
}

/** Timers fire up to this much late; what is left of a wait is looked for in the event loop. */
const TIMER_MS = 2;

export const realClock: Clock = {
  now: () => performance.now(),
  async sleepUntil(time) {
    const wait = time - performance.now() - TIMER_MS;
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    while (performance.now() < time) await new Promise((resolve) => setImmediate(resolve));
  },
};
