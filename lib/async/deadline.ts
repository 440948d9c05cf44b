import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';
import { LLM2CLIPError } from '../errors';
import { abortable } from './abort';
import { whenAborted } from './when-aborted';

// Fake timers of test runners, which replace the functions in the global object and in Node's
// modules, never fire by themselves. So the real functions are kept when the library is loaded.
const [startTimer, stopTimer] = [setTimeout, clearTimeout];

/** The time limit of a call. It covers all stages of the call together. */
export class Deadline {
  readonly #ends: number | undefined;
  #isOver = false;

  constructor(timeoutMs: number | undefined) {
    this.#ends = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
  }

  /**
   * Settles like the promise of `body`, or rejects as soon as the time is over or `signal` is
   * aborted.
   *
   * @param body Receives a signal that is aborted in both cases.
   * @throws LLM2CLIPError ERR_TIMEOUT; `signal.reason`
   */
  async within<T>(
    signal: AbortSignal | undefined,
    body: (either: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    if (this.#ends === undefined) return abortable(body(signal), signal);
    // AbortSignal.any() leaks memory on a signal that outlives its calls (Node 20 to 24).
    const either = new AbortController();
    const timer = this.#startTimer(this.#ends, either);
    const forward = () => either.abort(signal?.reason);
    if (signal?.aborted) forward();
    const stopWaiting = signal && !signal.aborted ? whenAborted(signal, forward) : undefined;
    try {
      return await abortable(body(either.signal), either.signal);
    } finally {
      stopTimer(timer);
      stopWaiting?.();
    }
  }

  /**
   * Returns the remaining time in milliseconds, or undefined without a limit.
   *
   * @throws LLM2CLIPError ERR_TIMEOUT if the time is over.
   */
  left(): number | undefined {
    if (this.#ends === undefined) return undefined;
    // The timer may fire some hundred microseconds before the clock reaches the deadline.
    const left = this.#isOver ? 0 : this.#ends - performance.now();
    if (left > 0) return left;
    throw timedOut();
  }

  #startTimer(ends: number, controller: AbortController): NodeJS.Timeout {
    const stop = () => {
      this.#isOver = true;
      controller.abort(timedOut());
    };
    // Timers count whole milliseconds.
    return startTimer(stop, Math.max(0, Math.ceil(ends - performance.now()))).unref();
  }
}

function timedOut(): LLM2CLIPError {
  return new LLM2CLIPError('ERR_TIMEOUT', "the request's time is over");
}
