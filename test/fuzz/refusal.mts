import { LLM2CLIPError } from '#lib/errors';

/** Reading a checkpoint may end in these ways, and in no other. An index's shards are never found. */
export const CHECKPOINT_REFUSAL =
  /^(ERR_CHECKPOINT_(FORMAT|UNSAFE|MISMATCH|UNSUPPORTED)|ERR_NOT_FOUND)$/;

/** What `read` returns, or `refused` where it throws one of the expected errors; others are bugs. */
export function refusedOr<T>(expected: RegExp, read: () => T): T | 'refused' {
  try {
    return read();
  } catch (error) {
    if (error instanceof LLM2CLIPError && expected.test(error.code)) return 'refused';
    throw error;
  }
}
