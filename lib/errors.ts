/** Every `code` an {@link LLM2CLIPError} can carry. Codes are stable; messages are not. */
export const ERROR_CODES = [
  'ERR_NOT_FOUND',
  'ERR_CHECKPOINT_FORMAT',
  'ERR_CHECKPOINT_UNSAFE',
  'ERR_CHECKPOINT_MISMATCH',
  'ERR_CHECKPOINT_NONFINITE',
  'ERR_CHECKPOINT_UNSUPPORTED',
  'ERR_BUNDLE_INVALID',
  'ERR_BUNDLE_EXISTS',
  'ERR_ENGINE_INCOMPATIBLE',
  'ERR_RUNTIME_MISSING',
  'ERR_INSTALL_FAILED',
  'ERR_INDEX_INVALID',
  'ERR_INDEX_LOCKED',
  'ERR_IO',
  'ERR_PARITY',
  'ERR_DEVICE_UNAVAILABLE',
  'ERR_OUT_OF_MEMORY',
  'ERR_DEVICE_LOST',
  'ERR_IMAGE_UNSUPPORTED',
  'ERR_IMAGE_CORRUPT',
  'ERR_IMAGE_TOO_LARGE',
  'ERR_QUEUE_FULL',
  'ERR_TIMEOUT',
  'ERR_DISPOSED',
  'ERR_INTERNAL',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export function isErrorCode(code: unknown): code is ErrorCode {
  return (ERROR_CODES as readonly unknown[]).includes(code);
}

/**
 * The error of every failure in this library, except for bad arguments, which throw a TypeError or
 * RangeError, and aborted calls, which reject with `signal.reason`.
 *
 * @example
 * try {
 *   await model.encodeImage('cat.jpg');
 * } catch (error) {
 *   if (error instanceof LLM2CLIPError && error.code === 'ERR_IMAGE_CORRUPT') skip();
 * }
 */
export class LLM2CLIPError extends Error {
  override readonly name = 'LLM2CLIPError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
