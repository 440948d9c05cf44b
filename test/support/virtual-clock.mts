import type { Clock } from '#lib/bench/clock';

/** A clock that stands still until all tasks wait, and then jumps to the first one that is due. */
export class VirtualClock implements Clock {
  #now = 0;
  #sleepers: { time: number; wake: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  sleepUntil(time: number): Promise<void> {
    if (time <= this.#now) return Promise.resolve();
    return new Promise((wake) => {
      const at = this.#sleepers.findIndex((other) => other.time > time);
      this.#sleepers.splice(at < 0 ? this.#sleepers.length : at, 0, { time, wake });
    });
  }

  /** Advances the time until the promise settles. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const end = () => {
      settled = true;
    };
    promise.then(end, end);
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (settled) return promise;
      const first = this.#sleepers.shift();
      if (first === undefined) throw new Error('nobody waits for the clock');
      this.#now = first.time;
      first.wake();
    }
  }
}
