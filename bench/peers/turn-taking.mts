/** A contestant whose processes can be stopped. They keep their memory. */
export interface Stoppable {
  /** Resolves when none of its threads runs any more. */
  stop(): Promise<void>;
  resume(): void;
}

/**
 * Keeps several contestants open and lets one of them run at a time. Waiting contestants are
 * stopped, because their threads would spin and use memory bandwidth.
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

  /** Opens another contestant while all others are stopped. It runs from then on. */
  async open<T extends Stoppable>(start: () => Promise<T>): Promise<T> {
    await this.#stopRunning();
    const opened = await start();
    this.#running = opened;
    return opened;
  }

  /** From now on, only `next` runs. */
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
