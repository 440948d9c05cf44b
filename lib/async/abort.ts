import { whenAborted } from './when-aborted';

/**
 * Resolves when `promise` settles, or rejects with the signal's reason as soon as it is aborted.
 */
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
 * Settles like `promise`, or rejects with the signal's reason as soon as it is aborted. `onAbort`
 * is called after an abort.
 */
export async function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  onAbort: () => void = () => {},
): Promise<T> {
  if (signal === undefined) return promise;
  // Promise.race would lose the async stack of the caller in errors.
  const [result] = await Promise.all([promise, untilSettled(promise, signal, onAbort)]);
  return result;
}
