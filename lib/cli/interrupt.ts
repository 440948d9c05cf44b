/** What a shell gives a command that Ctrl-C ended. */
export const INTERRUPTED = 130;

/** Aborted at the first Ctrl-C, so that temporary files go; the second one kills at once. */
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
