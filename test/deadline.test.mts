// Tests the time limit of a call that has several stages.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deadline } from '#lib/async/deadline';

const never = () => new Promise<never>(() => {});

test('a fraction of a millisecond is a valid time', async () => {
  const keepAlive = setTimeout(() => {}, 10_000);
  for (const timeoutMs of [0.5, 0]) {
    const deadline = new Deadline(timeoutMs);
    await assert.rejects(deadline.within(undefined, never), { code: 'ERR_TIMEOUT' });
    assert.throws(() => deadline.left(), { code: 'ERR_TIMEOUT' });
  }
  clearTimeout(keepAlive);
  const longest = 2 ** 31 - 1.5;
  const deadline = new Deadline(longest);
  assert.equal(await deadline.within(undefined, async () => 7), 7);
  assert.ok((deadline.left() as number) <= longest);
});

test('other errors and abort reasons pass unchanged', async () => {
  const [reason, failure] = [new Error('enough'), new Error('failed')];
  for (const timeoutMs of [undefined, 1000]) {
    const deadline = new Deadline(timeoutMs);
    const fail = () => Promise.reject(failure);
    await assert.rejects(deadline.within(undefined, fail), failure);
    await assert.rejects(deadline.within(AbortSignal.abort(reason), never), reason);
    const controller = new AbortController();
    const pending = deadline.within(controller.signal, never);
    controller.abort(reason);
    await assert.rejects(pending, reason);
  }
  assert.equal(new Deadline(undefined).left(), undefined);
});

test('the signal of the work is aborted by the time limit and by the caller', async () => {
  const reason = new Error('enough');
  const controller = new AbortController();
  const signals: (AbortSignal | undefined)[] = [];
  const watch = (either: AbortSignal | undefined) => {
    signals.push(either);
    return never();
  };
  const aborted = new Deadline(10_000).within(controller.signal, watch);
  controller.abort(reason);
  await assert.rejects(aborted, reason);
  assert.equal(signals[0]?.reason, reason);
  const keepAlive = setTimeout(() => {}, 10_000);
  await assert.rejects(new Deadline(1).within(undefined, watch), { code: 'ERR_TIMEOUT' });
  clearTimeout(keepAlive);
  assert.equal(signals[1]?.aborted, true);
});
