import { LLM2CLIPError } from '#lib/errors';

/** The allowed error codes of reading a checkpoint. The shards of an index are never found. */
export const CHECKPOINT_REFUSAL =
  /^(ERR_CHECKPOINT_(FORMAT|UNSAFE|MISMATCH|UNSUPPORTED)|ERR_NOT_FOUND)$/;

/** Returns the result of `read`, or `refused` if it throws an expected error. Others are bugs. */
export function refusedOr<T>(expected: RegExp, read: () => T): T | 'refused' {
  try {
    return read();
  } catch (error) {
    if (error instanceof LLM2CLIPError && expected.test(error.code)) return 'refused';
    throw error;
  }
}
