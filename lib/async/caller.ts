import type { ArgumentCode } from '../arguments';
import { isErrorCode } from '../errors';

const ARGUMENT_CODES: readonly unknown[] = [
  'ERR_INVALID_ARG',
  'ERR_INVALID_BUFFER',
] satisfies ArgumentCode[];

function isOwn(error: unknown): error is Error {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return isErrorCode(error.code) || ARGUMENT_CODES.includes(error.code);
}

/**
 * Settles like `work`. An error of this library gets the stack of the callers that await it, which
 * is lost when work passes through queues and threads. There is no cost unless an error occurs.
 */
export async function withCallerStack<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isOwn(error)) {
      const stack = error.stack ?? String(error);
      const [, ...callers] = (new Error().stack ?? '').split('\n').slice(1);
      const missing = callers.filter((line) => !stack.includes(line.trim()));
      error.stack = [stack, ...missing].join('\n');
    }
    throw error;
  }
}
