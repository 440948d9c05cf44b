import { performance } from 'node:perf_hooks';
import { LLM2CLIPError } from '../errors';

/** What is left of a call's time, stage after stage. */
export class Deadline {
  readonly #ends: number | undefined;
  readonly #timeout: AbortSignal | undefined;

  constructor(timeoutMs: number | undefined) {
    this.#ends = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
    // Timers count whole milliseconds.
    this.#timeout = timeoutMs === undefined ? undefined : AbortSignal.timeout(Math.ceil(timeoutMs));
  }

  /** Aborted when the time is over, or when `signal` is. */
  or(signal: AbortSignal | undefined): AbortSignal | undefined {
    if (this.#timeout === undefined || signal === undefined) return this.#timeout ?? signal;
    return AbortSignal.any([this.#timeout, signal]);
  }

  /** What a stage threw because the time was over, as ERR_TIMEOUT; anything else as it is. */
  asError(error: unknown): unknown {
    const over = this.#timeout?.aborted && error === this.#timeout.reason;
    return over ? timedOut() : error;
  }

  /** @throws LLM2CLIPError ERR_TIMEOUT where nothing is left */
  left(): number | undefined {
    if (this.#ends === undefined) return undefined;
    // Its timer may fire some hundred microseconds before the clock has got there.
    const left = this.#timeout?.aborted ? 0 : this.#ends - performance.now();
    if (left > 0) return left;
    throw timedOut();
  }
}

function timedOut(): LLM2CLIPError {
  return new LLM2CLIPError('ERR_TIMEOUT', "the request's time is over");
}
