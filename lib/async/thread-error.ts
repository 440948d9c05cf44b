import { type ErrorCode, LLM2CLIPError } from '../errors';

/**
 * An error that is sent from one thread to another. It is plain data, because its class would be
 * lost.
 */
export interface ThreadError {
  code: ErrorCode;
  message: string;
  cause?: string;
}

/**
 * Converts an error to plain data. Errors that are not the library's own are bugs.
 *
 * @param what Names what failed, for such bugs, e.g. "tokenising".
 */
export function toThreadError(error: unknown, what: string): ThreadError {
  if (error instanceof LLM2CLIPError) return { code: error.code, message: error.message };
  const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'ERR_INTERNAL', message: `${what} failed unexpectedly`, cause };
}

export function fromThreadError({ code, message, cause }: ThreadError): LLM2CLIPError {
  return new LLM2CLIPError(code, message, cause === undefined ? {} : { cause });
}
