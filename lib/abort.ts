import { setMaxListeners } from 'node:events';

/** Settles as `promise` does, or rejects with the signal's reason as soon as that is aborted. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    const settled = () => signal.removeEventListener('abort', abort);
    // First, so that a promise nobody waits for any more never rejects unhandled.
    promise.then(resolve, reject).finally(settled);
    // One signal for many pictures is the common case, not a leak to be warned of.
    setMaxListeners(0, signal);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}
