// Tests the generator's clock and the observer of the subject: neither of them keeps an event loop
// busy.
import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { realClock } from '#lib/bench/clock';
import { observe } from '#lib/bench/observe';

/** Returns how often this thread's event loop has turned. */
const turns = () =>
  (performance.nodeTiming as unknown as { uvMetricsInfo: { loopCount: number } }).uvMetricsInfo
    .loopCount;

describe('sleepUntil', () => {
  test('never returns early, and does not turn the event loop meanwhile', async () => {
    for (const ms of [0.3, 2.5, 30, 80]) {
      let least = Number.POSITIVE_INFINITY;
      // Other code may turn the loop sometimes. A fault of the clock would turn it each time.
      for (let tries = 0; tries < 100 && least > 10; tries++) {
        const before = turns();
        const due = realClock.now() + ms;
        await realClock.sleepUntil(due);
        assert.ok(realClock.now() >= due);
        least = Math.min(least, turns() - before);
      }
      assert.ok(least <= 10, `${least} turns in ${ms} ms`);
    }
  });

  test('lets the event loop turn, even if the time is past', async () => {
    for (const ms of [-1, 0, 1]) {
      let turned = false;
      setImmediate(() => {
        turned = true;
      });
      await realClock.sleepUntil(realClock.now() + ms);
      assert.ok(turned);
    }
  });

  test('ends when it is aborted', async () => {
    const controller = new AbortController();
    const waiting = realClock.sleepUntil(realClock.now() + 1e6, controller.signal);
    controller.abort();
    await assert.rejects(waiting, { name: 'AbortError' });
  });
});

test('the observer wakes its process rarely, and reports what it saw', async () => {
  const begin = realClock.now();
  const before = turns();
  const end = observe();
  await sleep(400);
  const woken = turns() - before;
  const resident = Buffer.alloc(2 ** 27, 1);
  const { eventLoopDelay, memory } = end();
  const most = (realClock.now() - begin) / 20 + 10;
  assert.ok(woken <= most, `${woken} turns, at most ${most} expected`);
  assert.ok(eventLoopDelay.max >= eventLoopDelay.p99 && eventLoopDelay.p99 >= 0);
  assert.ok(memory.rssPeakBytes >= resident.length);
  assert.ok(memory.externalPeakBytes > 0);
});

test('a blocked event loop is detected', async () => {
  const end = observe();
  await sleep(50);
  const block = realClock.now() + 200;
  while (realClock.now() < block);
  await sleep(50);
  assert.ok(end().eventLoopDelay.max > 100);
});
