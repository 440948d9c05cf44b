import { whenAborted } from './when-aborted';

/** Rejects with the signal's reason as soon as that is aborted; resolves when `promise` settles. */
function untilSettled(
  promise: Promise<unknown>,
  signal: AbortSignal,
  onAbort: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(signal.reason);
      onAbort();
    };
    const stopWaiting = signal.aborted ? undefined : whenAborted(signal, abort);
    const settled = () => {
      stopWaiting?.();
      resolve();
    };
    promise.then(settled, settled);
    if (signal.aborted) abort();
  });
}

/**
 * Settles as `promise` does, or rejects with the signal's reason as soon as that is aborted, after
 * `onAbort` has been told.
 */
export async function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  onAbort: () => void = () => {},
): Promise<T> {
  if (signal === undefined) return promise;
  // Not Promise.race: errors would lose the stack of those who wait.
  const [result] = await Promise.all([promise, untilSettled(promise, signal, onAbort)]);
  return result;
}
