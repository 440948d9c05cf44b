import { LLM2CLIPError } from '../errors';

/** What a model has under way: bounded, waited for when the model is disposed of. */
export class Admission {
  readonly #most: number;
  #underWay = 0;
  #closed = false;
  #whenIdle: (() => void) | undefined;

  /** @param most Calls under way, from which on those that do not wait are refused. */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Calls `body` and counts it until it has settled.
   *
   * @param waits The caller bounds itself: never refused for a full queue.
   * @throws LLM2CLIPError ERR_DISPOSED, ERR_QUEUE_FULL
   */
  async run<T>(waits: boolean, body: () => Promise<T>): Promise<T> {
    this.#admit(waits);
    this.#underWay += 1;
    try {
      return await body();
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#whenIdle?.();
    }
  }

  /** Admits no more; resolves when nothing is under way. */
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
