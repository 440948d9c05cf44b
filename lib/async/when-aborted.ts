/** The callbacks that wait for one signal to be aborted. They share one listener. */
class Waiters {
  readonly #signal: AbortSignal;
  readonly #told = new Set<() => void>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#tellAll);
  }

  add(tell: () => void): void {
    this.#told.add(tell);
  }

  delete(tell: () => void): void {
    if (this.#told.delete(tell) && this.#told.size === 0) this.#stop();
  }

  readonly #tellAll = (): void => {
    this.#stop();
    for (const tell of this.#told) tell();
    this.#told.clear();
  };

  #stop(): void {
    this.#signal.removeEventListener('abort', this.#tellAll);
    waiters.delete(this.#signal);
  }
}

const waiters = new WeakMap<AbortSignal, Waiters>();

/**
 * Calls `tell` when `signal` is aborted, unless the returned function was called before. A caller's
 * signal may outlive millions of calls, so it gets one listener for all waiting calls, and none
 * when no call waits.
 *
 * @param signal Must not be aborted yet.
 */
export function whenAborted(signal: AbortSignal, tell: () => void): () => void {
  const others = waiters.get(signal) ?? new Waiters(signal);
  waiters.set(signal, others);
  // The same function may be passed twice, so each call needs a function of its own.
  const own = () => tell();
  others.add(own);
  return () => others.delete(own);
}
