// Tests the benchmark's peers: the client with a scripted peer, and the server side in Node.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Peer, PeerFailed, PeerMissing } from '../bench/peers/peer.mts';
import { readPixels } from '../bench/peers/pixels.mts';
import { PeerProcess, type PeerProcessOptions } from '../bench/peers/process.mts';
import { expectJobControl } from '../bench/peers/process-group.mts';
import { TurnTaking } from '../bench/peers/turn-taking.mts';
import { stateOf, untilEnded } from './support/processes.mts';
import { temporaryFolder } from './support/temporary.mts';

const folder = temporaryFolder();
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

const SIZE = 2;
/** Three images of 2 × 2 pixels, with all values 0, 1 and 2. */
const pixels = join(folder, 'pixels.f32');
writeFileSync(
  pixels,
  Float32Array.from({ length: 3 * 12 }, (_, i) => Math.floor(i / 12)),
);

const OPEN = {
  model: 'model.onnx',
  threads: 2,
  precision: 'fp32',
  device: 'cpu',
  imageSize: SIZE,
  maxBatch: 2,
  calibration: null,
};
const RUN = { pixels, offset: 1, batch: 2, leastSeconds: 0 };

const started: { kill(): unknown }[] = [];
afterEach(() => {
  for (const peer of started.splice(0)) peer.kill();
});

async function start(command: string[], model = OPEN.model): Promise<Peer> {
  const peer = await Peer.start({ name: 'fake', command, open: { ...OPEN, model } });
  started.push(peer);
  return peer;
}
const FAKE = [process.execPath, path('./support/fake-peer.cjs')];
const fake = (model?: string) => start(FAKE, model);

describe('the client', () => {
  test('opens, runs, embeds and closes', async () => {
    const peer = await fake();
    assert.equal(peer.precision, 'fp32');
    assert.deepEqual(peer.versions, { engine: '1.2', calibration: null });
    assert.deepEqual(await peer.run(RUN), {
      seconds: [1.02],
      eventLoopDelayMaxMs: SIZE,
    });
    assert.deepEqual(await peer.embed(pixels, 2), [
      Float32Array.of(0, SIZE),
      Float32Array.of(1, SIZE),
    ]);
    await peer.close();
    await assert.rejects(peer.run(RUN), PeerFailed);
  });

  test('gives each request its own reply, in order', async () => {
    const peer = await fake();
    const timings = await Promise.all([5, 6, 7].map((offset) => peer.run({ ...RUN, offset })));
    assert.deepEqual(
      timings.map(({ seconds }) => Math.floor(seconds[0] as number)),
      [5, 6, 7],
    );
    await peer.close();
  });

  test('continues after an error', async () => {
    const peer = await fake();
    await assert.rejects(peer.run({ ...RUN, pixels: 'fail' }), {
      name: 'PeerFailed',
      message: 'fake failed: no such image',
    });
    assert.equal((await peer.run(RUN)).seconds.length, 1);
    await peer.close();
  });

  test('reports a package that is not installed', async () => {
    await assert.rejects(fake('missing'), {
      name: 'PeerMissing',
      message: "fake: Cannot find module 'engine': run bench/peers/setup",
    });
    await assert.rejects(start([join(folder, 'no-such-program')]), PeerMissing);
  });

  test('reports why a model did not open', async () => {
    await assert.rejects(fake('fail'), new PeerFailed('fake failed: no such image'));
    const died = new PeerFailed('fake ended with exit code 3: last words');
    await assert.rejects(fake('die'), died);
    const crashed = new PeerFailed('fake ended with exit code 1: TypeError: no engine');
    await assert.rejects(fake('crash'), crashed);
  });

  test('rejects pending and later requests when the peer dies', async () => {
    const peer = await fake();
    const waiting = [
      { ...RUN, pixels: 'hang' },
      { ...RUN, pixels: 'die' },
    ].map((one) => peer.run(one));
    waiting.push(peer.run({ ...RUN, pixels: 'hang' }));
    const message = 'fake ended with exit code 3: last words';
    await Promise.all(waiting.map((one) => assert.rejects(one, { name: 'PeerFailed', message })));
    await assert.rejects(peer.embed(pixels, 1), { name: 'PeerFailed', message });
    await assert.rejects(peer.close(), { name: 'PeerFailed', message });
  });

  test('rejects pending requests when it is killed', async () => {
    const peer = await fake();
    const waiting = peer.run({ ...RUN, pixels: 'hang' });
    peer.kill();
    await assert.rejects(waiting, new PeerFailed('fake ended with SIGKILL'));
  });

  for (const [what, shown] of [
    ['garbage', '"Loading model… done"'],
    ['json', '"[\\"no\\",\\"reply\\"]"'],
  ] as const) {
    test(`takes ${what} on stdout for a failure`, async () => {
      const peer = await fake();
      const message = `fake wrote what is no reply: ${shown}`;
      await assert.rejects(peer.run({ ...RUN, pixels: what }), { name: 'PeerFailed', message });
      await assert.rejects(peer.run(RUN), { name: 'PeerFailed', message });
    });
  }

  test('treats an unexpected reply as a failure', async () => {
    const peer = await fake();
    await peer.run({ ...RUN, pixels: 'twice' });
    await assert.rejects(peer.run({ ...RUN, pixels: 'hang' }), PeerFailed);
  });
});

const HANG = { op: 'run', pixels: 'hang' };

/**
 * Starts a peer whose protocol is not used. Returns it with its process id and that of a process
 * that it has started. The peer does not end by itself, so `close` does not wait for it.
 */
async function startProcess(options?: Pick<PeerProcessOptions, 'signal'>) {
  const peer = new PeerProcess('fake', FAKE, { signal: options?.signal, closeMs: 0 });
  started.push(peer);
  const { pids } = await peer.ask<{ pids: number[] }>({ op: 'pids' });
  return { peer, pids };
}

const statesOf = (pids: readonly number[]) => pids.map(stateOf);

describe('a peer that waits its turn', () => {
  test('is stopped with all its child processes, and continues', async () => {
    const { peer, pids } = await startProcess();
    assert.ok(!statesOf(pids).includes('T'));
    await peer.stop();
    assert.deepEqual(statesOf(pids), ['T', 'T']);
    await assert.rejects(peer.ask({ op: 'pids' }), /expected fake to run: call resume\(\) first/);
    peer.resume();
    const { pids: again } = await peer.ask<{ pids: number[] }>({ op: 'pids' });
    assert.equal(again[0], pids[0]);
    await peer.close();
    await untilEnded([...pids, ...again]);
  });

  test('is not stopped before it has answered', async () => {
    const { peer } = await startProcess();
    const waiting = peer.ask(HANG);
    await assert.rejects(peer.stop(), /expected fake to have answered/);
    await peer.kill();
    await assert.rejects(waiting, PeerFailed);
    await peer.stop(); // does nothing
  });

  for (const how of ['close', 'kill'] as const) {
    test(`is ended by ${how}`, async () => {
      const { peer, pids } = await startProcess();
      await peer.stop();
      await peer[how]();
      await untilEnded(pids);
    });
  }

  test('is ended when the signal is aborted', async () => {
    const abort = new AbortController();
    const peers = [await startProcess(abort), await startProcess(abort)];
    await peers[0]?.peer.stop();
    const waiting = peers[1]?.peer.ask(HANG) as Promise<unknown>;
    abort.abort(new Error('interrupted'));
    await assert.rejects(waiting, new PeerFailed('fake ended with SIGKILL'));
    await untilEnded(peers.flatMap(({ pids }) => pids));
    assert.throws(() => new PeerProcess('fake', FAKE, abort), /interrupted/);
  });

  test('takes turns with others, and only one runs at a time', async () => {
    const turns = new TurnTaking();
    const first = await turns.open(() => startProcess().then(withStop));
    const second = await turns.open(() => startProcess().then(withStop));
    const running = () => [first, second].map(({ pids }) => !statesOf(pids).includes('T'));
    assert.deepEqual(running(), [false, true]);
    await turns.giveTo(first);
    assert.deepEqual(running(), [true, false]);
    await turns.giveTo(first);
    assert.deepEqual(running(), [true, false]);
    await second.peer.kill();
    await turns.giveTo(second);
    assert.deepEqual(statesOf(first.pids), ['T', 'T']);
  });
});

function withStop<T extends { peer: PeerProcess }>(one: T) {
  return { ...one, stop: () => one.peer.stop(), resume: () => one.peer.resume() };
}

test('a peer that does not answer is ended', async () => {
  const peer = new PeerProcess('fake', FAKE, { answerMs: 50 });
  const message = 'fake did not answer within 0.05 s';
  await assert.rejects(peer.ask(HANG), { name: 'PeerFailed', message });
  await assert.rejects(peer.close(), { name: 'PeerFailed', message });
  await peer.kill(); // resolves when it has ended
});

test('a system without SIGSTOP is refused', () => {
  assert.throws(() => expectJobControl('win32'), /expected a system with SIGSTOP .* found Windows/);
  expectJobControl('linux');
});

/** Opens two peers, stops the first, prints the ids of all their processes, and never ends. */
const SUITE = `
  import { PeerProcess } from ${JSON.stringify(path('../bench/peers/process.mts'))};
  const peers = [1, 2].map((i) => new PeerProcess('fake ' + i, ${JSON.stringify(FAKE)}));
  const pids = [];
  for (const peer of peers) pids.push(...(await peer.ask({ op: 'pids' })).pids);
  await peers[0].stop();
  console.log(pids.join(' '));
  await peers[1].ask({ op: 'run', pixels: 'hang' });`;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
  test(`no peer outlives a suite that ends by ${signal}`, async () => {
    const args = ['--import', 'tsx', '--input-type=module', '--eval', SUITE];
    const suite = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(createInterface({ input: suite.stdout }), 'line');
    const pids = String(line).split(' ').map(Number);
    assert.deepEqual(statesOf(pids.slice(0, 2)), ['T', 'T']);
    suite.kill(signal);
    await once(suite, 'close');
    await untilEnded(pids);
  });
}

/** A peer that uses serve.mts and writes to stdout. Its embedding is an image's first number. */
const FIRST = `
  import { serve } from ${JSON.stringify(path('../bench/peers/serve.mts'))};
  await serve(async ({ model, precision }) => {
    console.log('loading', model);
    if (model === 'absent') await import('no-such-package');
    const run = async (pixels, [batch]) => {
      const end = performance.now() + 30;
      while (performance.now() < end);
      return Float32Array.from({ length: batch }, (_, i) => pixels[12 * i]);
    };
    return { precision, versions: { first: '1.0.0' }, run };
  });`;
const NODE = [process.execPath, '--import', 'tsx', '--input-type=module', '--eval'];
const served = (model?: string) => start([...NODE, FIRST], model);

/**
 * A peer whose embedding says, for each run so far, whether the event loop was monitored during it.
 */
const WATCHED = `
  import perf from 'node:perf_hooks';
  import { syncBuiltinESMExports } from 'node:module';
  const { monitorEventLoopDelay } = perf;
  let monitors = 0;
  perf.monitorEventLoopDelay = (options) => {
    const delay = monitorEventLoopDelay(options);
    const enable = () => { monitors += 1; return delay.enable(); };
    const disable = () => { monitors -= 1; return delay.disable(); };
    return { enable, disable, get max() { return delay.max; } };
  };
  syncBuiltinESMExports();
  const { serve } = await import(${JSON.stringify(path('../bench/peers/serve.mts'))});
  const runs = [];
  await serve(async ({ precision }) => ({
    precision,
    versions: {},
    run: async () => Float32Array.from((runs.push(monitors), runs)),
  }));`;

describe('a peer in Node', () => {
  test('measures its engine and how long it blocks, and keeps stdout clean', async () => {
    const peer = await served();
    assert.deepEqual(peer.versions, { first: '1.0.0' });
    const { seconds, eventLoopDelayMaxMs } = await peer.run({ ...RUN, leastSeconds: 0.07 });
    assert.ok(
      seconds.every((one) => one >= 0.03),
      String(seconds),
    );
    const sum = (values: number[]) => values.reduce((total, one) => total + one, 0);
    assert.ok(sum(seconds) >= 0.07 && sum(seconds.slice(0, -1)) < 0.07, String(seconds));
    assert.ok((eventLoopDelayMaxMs as number) >= 30, String(eventLoopDelayMaxMs));
    assert.deepEqual(
      await peer.embed(pixels, 4),
      [0, 1, 2, 0].map((x) => Float32Array.of(x)),
    );
    await assert.rejects(peer.embed(join(folder, 'absent'), 1), /ENOENT/);
    await peer.close();
  });

  test('begins each turn with an untimed run, and monitors its event loop only in that run', async () => {
    const peer = await start([...NODE, WATCHED]);
    for (let turn = 1; turn <= 2; turn++) {
      const { seconds } = await peer.run({ ...RUN, leastSeconds: 0 });
      assert.equal(seconds.length, 1);
    }
    const [runs] = await peer.embed(pixels, 1);
    assert.deepEqual([...(runs as Float32Array)], [1, 0, 1, 0, 0]);
    await peer.close();
  });

  test('says that its package is missing', async () => {
    await assert.rejects(served('absent'), PeerMissing);
  });
});

test('a peer in Python says that its package is missing', async () => {
  const command = ['python3', '-S', path('../bench/peers/peer.py'), 'openvino'];
  await assert.rejects(start(command), {
    name: 'PeerMissing',
    message: "fake: No module named 'numpy': run bench/peers/setup",
  });
});

test('the peer of texts says that its package is missing', async () => {
  const peer = new PeerProcess('fake', ['python3', '-S', path('../bench/peers/text.py')]);
  const open = { op: 'open', model: folder, threads: 1, precision: 'fp32' };
  await assert.rejects(peer.ask(open), {
    name: 'PeerMissing',
    message: "fake: No module named 'torch': run bench/peers/setup",
  });
  await peer.close();
});

describe('files of pixels', () => {
  const read = (offset: number, batch: number, imageSize = SIZE) =>
    readPixels({ pixels, imageSize, offset, batch });

  test('are read from any image on, and continue at the start after the end', async () => {
    const values = await read(2, 5);
    const firsts = Array.from({ length: 5 }, (_, i) => values[12 * i]);
    assert.deepEqual(firsts, [2, 0, 1, 2, 0]);
    assert.equal(values.length, 5 * 12);
  });

  test('must hold complete images', async () => {
    await assert.rejects(read(0, 1, 5), /expected whole images of 300 bytes in .* found 144 bytes/);
  });
});

test("a reply that is larger than a pipe's buffer arrives complete", {
  timeout: 600_000,
}, async () => {
  const peer = await start([process.execPath, '--import', 'tsx', path('./support/wide-peer.mts')]);
  const embeddings = await peer.embed(pixels, 100);
  assert.equal(embeddings.length, 100);
  for (const one of embeddings) assert.equal(one.length, 10_000);
  await peer.close();
});
