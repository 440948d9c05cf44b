import { LLM2CLIPError } from '../errors';

/** Limits the pending calls of a model. Disposing of the model waits until none is pending. */
export class Admission {
  readonly #most: number;
  #underWay = 0;
  #closed = false;
  #whenIdle: (() => void) | undefined;

  /** @param most Largest number of pending calls; above it, calls that do not wait are refused. */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Calls `body`, and counts it as pending until it has settled.
   *
   * @param waits Whether the caller limits its own number of calls. Such calls are never refused.
   * @throws LLM2CLIPError ERR_DISPOSED, ERR_QUEUE_FULL; `signal.reason` if it is aborted already
   */
  async run<T>(
    { waits, signal }: { waits: boolean; signal: AbortSignal | undefined },
    body: () => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    this.#admit(waits);
    this.#underWay += 1;
    try {
      return await body();
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#whenIdle?.();
    }
  }

  /** Refuses further calls. Resolves when no call is pending. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#underWay === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  #admit(waits: boolean): void {
    if (this.#closed) throw new LLM2CLIPError('ERR_DISPOSED', 'the model has been disposed of');
    if (waits || this.#underWay < this.#most) return;
    throw new LLM2CLIPError(
      'ERR_QUEUE_FULL',
      `expected fewer than ${this.#most} requests under way; try again later, or raise options.batching.maxQueue`,
    );
  }
}
