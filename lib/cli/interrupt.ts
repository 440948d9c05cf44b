/** Exit code of a command that Ctrl-C ended, by the shells' convention (128 + SIGINT). */
export const INTERRUPTED = 130;

/**
 * Returns a signal that the first Ctrl-C aborts, so that the command can delete its temporary
 * files. A second Ctrl-C ends the process at once.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort(new Interrupted()));
  return controller.signal;
}

export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly code = 'ERR_INTERRUPTED';

  constructor() {
    super('interrupted');
  }
}
