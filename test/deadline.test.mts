// The time of a call that has several stages.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Deadline } from '#lib/async/deadline';

test('a part of a millisecond is a time as well', async () => {
  for (const timeoutMs of [0.5, 0, 2 ** 31 - 1.5]) {
    const deadline = new Deadline(timeoutMs);
    const signal = deadline.or(undefined) as AbortSignal;
    if (timeoutMs > 1) {
      assert.ok((deadline.left() as number) <= timeoutMs);
      continue;
    }
    const keepAlive = setTimeout(() => {}, 10_000);
    await once(signal, 'abort');
    clearTimeout(keepAlive);
    assert.equal((deadline.asError(signal.reason) as { code: string }).code, 'ERR_TIMEOUT');
    assert.throws(() => deadline.left(), { code: 'ERR_TIMEOUT' });
  }
});

test('what is no end of the time stays what it is', () => {
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  for (const timeoutMs of [undefined, 1000]) {
    const deadline = new Deadline(timeoutMs);
    assert.equal(deadline.or(signal)?.reason, reason);
    assert.equal(deadline.asError(reason), reason);
  }
  assert.equal(new Deadline(undefined).left(), undefined);
});
