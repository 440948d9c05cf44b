import assert from 'node:assert/strict';
import { type ErrorCode, LLM2CLIPError } from '#lib/errors';

/** Asserts that `promise` rejects with this code and with a message that matches `pattern`. */
export async function rejectsWith(
  promise: Promise<unknown>,
  code: ErrorCode,
  pattern: RegExp,
): Promise<void> {
  await assert.rejects(promise, (error) => isError(error, code, pattern));
}

/** Asserts that `run` throws with this code and with a message that matches `pattern`. */
export function throwsWith(run: () => unknown, code: ErrorCode, pattern: RegExp): void {
  assert.throws(run, (error) => isError(error, code, pattern));
}

function isError(error: unknown, code: ErrorCode, pattern: RegExp): boolean {
  assert.ok(error instanceof LLM2CLIPError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, pattern);
  return true;
}
