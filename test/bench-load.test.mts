// Tests the load generators against queueing theory, with a server whose times are known, on a
// virtual clock.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { closedLoop, openLoop, poisson, stamped } from '#lib/bench/load';
import { noiseOf } from '#lib/bench/noise';
import { randomNumbers } from '#lib/bench/random';
import type { Run } from '#lib/bench/record';
import { Recorder } from '#lib/bench/recorder';
import { VirtualClock } from './support/virtual-clock.mts';

const SERVICE_MS = 10;

/** A server that answers queries in the order of arrival and needs 10 ms for each. */
function server(clock: VirtualClock) {
  let free = 0;
  return () => {
    free = Math.max(free, clock.now()) + SERVICE_MS;
    return clock.sleepUntil(free);
  };
}

const close = (found: number, expected: number, tolerance = 0.05) =>
  assert.ok(Math.abs(found - expected) <= tolerance * expected, `${found}, not ${expected}`);

const long = { warmUpMs: 10_000, minQueries: 50_000, minMs: 0, maxMs: Number.POSITIVE_INFINITY };

async function offered(load: number, seed = 1) {
  const clock = new VirtualClock();
  const recorder = new Recorder(1);
  const gaps = poisson((1000 / SERVICE_MS) * load, randomNumbers(seed));
  const options = { clock, recorder, send: stamped(clock, server(clock)), limits: long };
  await clock.run(openLoop(options, gaps));
  return recorder;
}

describe('Poisson arrivals at a server of constant time (M/D/1)', () => {
  for (const load of [0.2, 0.5, 0.7]) {
    test(`mean latency at load ${load}`, async () => {
      const recorder = await offered(load);
      // Pollaczek–Khinchine: the mean wait, in service times, is ρ / (2 (1 − ρ)).
      close(recorder.latency().mean, SERVICE_MS * (1 + load / (2 * (1 - load))));
      close(recorder.picturesPerSecond, (1000 / SERVICE_MS) * load);
    });
  }

  test('the distribution at load 0.5', async () => {
    const latency = (await offered(0.5)).latency();
    // Erlang: P(wait ≤ t) = (1 − ρ) Σ (ρ (k − t/D))^k e^(−ρ (k − t/D)) / k!, k = 0 … t/D.
    const waits = (services: number) => {
      let sum = 0;
      let factorial = 1;
      for (let k = 0; k <= services; k++) {
        factorial *= Math.max(1, k);
        const x = 0.5 * (k - services);
        sum += (x ** k * Math.exp(-x)) / factorial;
      }
      return 0.5 * sum;
    };
    const inverse = (p: number) => {
      let services = 0;
      while (waits(services) < p) services += 0.001;
      return SERVICE_MS * (1 + services);
    };
    for (const [name, p] of [
      ['p50', 0.5],
      ['p90', 0.9],
      ['p95', 0.95],
      ['p99', 0.99],
    ] as const) {
      close(latency[name], inverse(p));
    }
    const total = latency.buckets.reduce((sum, [, count]) => sum + count, 0);
    assert.equal(total, latency.count);
  });

  test('a pause of one second shows in the latency of the queries that were due', async () => {
    const clock = new VirtualClock();
    const recorder = new Recorder(1);
    let free = 0;
    const send = stamped(clock, (index) => {
      free = Math.max(free, clock.now()) + SERVICE_MS + (index === 500 ? 1000 : 0);
      return clock.sleepUntil(free);
    });
    const limits = { ...long, warmUpMs: 0, minQueries: 1000 };
    await clock.run(openLoop({ clock, recorder, send, limits }, () => 2 * SERVICE_MS));
    // The queue of one second shrinks by 10 ms per query, so half of it is left after fifty
    // queries.
    const { buckets, max } = recorder.latency();
    assert.ok(max >= 1000);
    const late = buckets.filter(([ms]) => ms > 510).reduce((sum, [, count]) => sum + count, 0);
    assert.ok(late >= 45 && late <= 55, `${late}`);
  });
});

test('a late report of an answer does not change its latency', async () => {
  const run = async (tellEveryMs: number) => {
    const clock = new VirtualClock();
    const recorder = new Recorder(1);
    const serve = stamped(clock, server(clock));
    const send = async (index: number) => {
      const answered = await serve(index);
      const told = Math.ceil(clock.now() / tellEveryMs) * tellEveryMs;
      if (tellEveryMs > 0) await clock.sleepUntil(told);
      return answered;
    };
    // Both runs end at the same query, whether they are stable or not.
    const limits = { warmUpMs: 1000, minQueries: 1, minMs: 10_000, maxMs: 10_000 };
    const gaps = poisson(50, randomNumbers(3));
    await clock.run(openLoop({ clock, recorder, send, limits }, gaps));
    const { stable: _, ...measured } = recorder.measured(false);
    return measured;
  };
  const [atOnce, late] = [await run(0), await run(100)];
  assert.ok(late.queries > 400, `${late.queries} queries`);
  assert.deepEqual(late, atOnce);
});

describe('callers who ask again at once', () => {
  for (const concurrency of [1, 4]) {
    test(`${concurrency} of them: throughput of a full server, latency by Little's law`, async () => {
      const clock = new VirtualClock();
      const recorder = new Recorder(1);
      const limits = { warmUpMs: 1000, minQueries: 1000, minMs: 0, maxMs: 1e9 };
      const send = stamped(clock, server(clock));
      await clock.run(closedLoop({ clock, recorder, send, limits }, concurrency));
      close(recorder.picturesPerSecond, 1000 / SERVICE_MS, 0.01);
      close(recorder.latency().p50, concurrency * SERVICE_MS, 0.01);
      assert.ok(recorder.isStable(true));
    });
  }

  test('two equal runs agree within their reported noise', async () => {
    const measure = async (seed: number) => {
      const clock = new VirtualClock();
      const recorder = new Recorder(1);
      const gaps = poisson(100, randomNumbers(seed));
      const send = stamped(clock, () => clock.sleepUntil(clock.now() + gaps()));
      const limits = { warmUpMs: 100, minQueries: 600, minMs: 0, maxMs: 1e9 };
      await clock.run(closedLoop({ clock, recorder, send, limits }, 1));
      const windows = recorder.windows();
      const configuration = { rate: null } as Run['configuration'];
      return {
        value: recorder.picturesPerSecond,
        noise: (noiseOf({ windows, configuration }) ?? 0) * recorder.picturesPerSecond,
      };
    };
    for (let seed = 1; seed <= 20; seed += 2) {
      const [a, b] = [await measure(seed), await measure(seed + 1)];
      assert.ok(a.noise > 0 && Math.abs(a.value - b.value) <= a.noise + b.noise);
      assert.ok(a.noise < 0.3 * a.value, 'noise that allows anything states nothing');
    }
  });

  test('a server that becomes slower is never stable, and the run ends', async () => {
    const clock = new VirtualClock();
    const recorder = new Recorder(1);
    let time = 10;
    const send = stamped(clock, () => {
      time *= 1.01;
      return clock.sleepUntil(clock.now() + time);
    });
    const limits = { warmUpMs: 0, minQueries: 30, minMs: 1000, maxMs: 60_000 };
    await clock.run(closedLoop({ clock, recorder, send, limits }, 1));
    assert.ok(!recorder.isStable(true));
    assert.ok(recorder.durationMs >= 60_000);
  });

  test('refusals and errors are counted, not timed', async () => {
    const clock = new VirtualClock();
    const recorder = new Recorder(2);
    const serve = server(clock);
    const send = stamped(clock, async (index) => {
      await serve();
      if (index % 3 === 1) throw Object.assign(new Error(), { code: 'ERR_QUEUE_FULL' });
      if (index % 3 === 2) throw Object.assign(new Error(), { code: 'ERR_TIMEOUT' });
    });
    const limits = { warmUpMs: 0, minQueries: 100, minMs: 0, maxMs: 1e9 };
    await clock.run(closedLoop({ clock, recorder, send, limits }, 1));
    assert.ok(recorder.answered >= 100);
    assert.equal(recorder.images, 2 * recorder.answered);
    assert.ok(Math.abs(recorder.refused - recorder.answered) <= 1);
    assert.ok(Math.abs((recorder.errors.ERR_TIMEOUT ?? 0) - recorder.answered) <= 1);
    assert.equal(recorder.latency().count, recorder.answered);
  });

  test('an abort ends the run', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const send = stamped(clock, async (index) => {
      if (index === 10) controller.abort();
      await clock.sleepUntil(clock.now() + 1);
    });
    const options = { clock, recorder: new Recorder(1), send, limits: long };
    const run = closedLoop({ ...options, signal: controller.signal }, 2);
    await assert.rejects(clock.run(run), { name: 'AbortError' });
  });
});
