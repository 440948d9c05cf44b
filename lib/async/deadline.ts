import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';
import { LLM2CLIPError } from '../errors';
import { abortable } from './abort';
import { whenAborted } from './when-aborted';

// Kept when the library is loaded: test runners put timers in their place that never fire by
// themselves, in the global object and in Node's modules.
const [startTimer, stopTimer] = [setTimeout, clearTimeout];

/** What is left of a call's time, stage after stage. */
export class Deadline {
  readonly #ends: number | undefined;
  #isOver = false;

  constructor(timeoutMs: number | undefined) {
    this.#ends = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
  }

  /**
   * Settles as the promise of `body` does, or rejects as soon as the time is over or `signal` is
   * aborted.
   *
   * @param body Gets a signal that either of them aborts.
   * @throws LLM2CLIPError ERR_TIMEOUT; `signal.reason`
   */
  async within<T>(
    signal: AbortSignal | undefined,
    body: (either: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    if (this.#ends === undefined) return abortable(body(signal), signal);
    // AbortSignal.any() leaves something behind on a signal that outlives its calls (Node 20 to 24).
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

  /** @throws LLM2CLIPError ERR_TIMEOUT where nothing is left */
  left(): number | undefined {
    if (this.#ends === undefined) return undefined;
    // The timer may fire some hundred microseconds before the clock has got there.
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
