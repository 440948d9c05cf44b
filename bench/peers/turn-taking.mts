/** A contestant whose processes can be stopped, with all that they hold in memory. */
export interface Stoppable {
  /** Resolves when none of its threads runs any more. */
  stop(): Promise<void>;
  resume(): void;
}

/**
 * Contestants that are open at once and of which one runs at a time: those that wait would keep
 * threads spinning and take the memory's bandwidth.
 *
 * @example
 * const turns = new TurnTaking();
 * const a = await turns.open(() => Peer.start(one));
 * const b = await turns.open(() => Peer.start(other)); // a is stopped
 * await turns.giveTo(a); // b is stopped
 * const { seconds } = await a.run(options);
 */
export class TurnTaking {
  #running: Stoppable | undefined;

  /** Opens one more while all others are stopped. It runs from then on. */
  async open<T extends Stoppable>(start: () => Promise<T>): Promise<T> {
    await this.#stopRunning();
    const opened = await start();
    this.#running = opened;
    return opened;
  }

  /** `next` runs from now on, and nobody else. */
  async giveTo(next: Stoppable): Promise<void> {
    if (this.#running === next) return;
    await this.#stopRunning();
    next.resume();
    this.#running = next;
  }

  async #stopRunning(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.stop();
  }
}
