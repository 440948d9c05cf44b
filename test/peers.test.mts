// The benchmark's peers: the client against a scripted peer, and the side that serves in Node.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Peer, PeerFailed, PeerMissing } from '../bench/peers/peer.mts';
import { readPixels } from '../bench/peers/pixels.mts';
import { PeerProcess } from '../bench/peers/process.mts';
import { temporaryFolder } from './support/temporary.mts';

const folder = temporaryFolder();
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

const SIZE = 2;
/** Three pictures of 2 × 2: of 0, of 1 and of 2 throughout. */
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
  calibration: null,
};
const RUN = { pixels, offset: 1, batch: 2, repeat: 3 };

const started: Peer[] = [];
afterEach(() => {
  for (const peer of started.splice(0)) peer.kill();
});

async function start(command: string[], model = OPEN.model): Promise<Peer> {
  const peer = await Peer.start({ name: 'fake', command, open: { ...OPEN, model } });
  started.push(peer);
  return peer;
}
const fake = (model?: string) => start([process.execPath, path('./support/fake-peer.cjs')], model);

describe('the client', () => {
  test('opens, runs, embeds and closes', async () => {
    const peer = await fake();
    assert.equal(peer.precision, 'fp32');
    assert.deepEqual(peer.versions, { engine: '1.2', calibration: null });
    assert.deepEqual(await peer.run(RUN), {
      seconds: [1.02, 1.02, 1.02],
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
    const timings = await Promise.all(
      [5, 6, 7].map((offset) => peer.run({ ...RUN, offset, repeat: 1 })),
    );
    assert.deepEqual(
      timings.map(({ seconds }) => Math.floor(seconds[0] as number)),
      [5, 6, 7],
    );
    await peer.close();
  });

  test('goes on after an error', async () => {
    const peer = await fake();
    await assert.rejects(peer.run({ ...RUN, pixels: 'fail' }), {
      name: 'PeerFailed',
      message: 'fake failed: no such picture',
    });
    assert.equal((await peer.run(RUN)).seconds.length, 3);
    await peer.close();
  });

  test('says what is not installed', async () => {
    await assert.rejects(fake('missing'), {
      name: 'PeerMissing',
      message: "fake: Cannot find module 'engine': run bench/peers/setup",
    });
    await assert.rejects(start([join(folder, 'no-such-program')]), PeerMissing);
  });

  test('says why a model did not open', async () => {
    await assert.rejects(fake('fail'), new PeerFailed('fake failed: no such picture'));
    const died = new PeerFailed('fake ended with exit code 3: last words');
    await assert.rejects(fake('die'), died);
  });

  test('rejects all that waits, and all that comes, when the peer dies', async () => {
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

  test('rejects what waits when it is killed', async () => {
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

  test('takes a reply that nobody asked for as a failure', async () => {
    const peer = await fake();
    await peer.run({ ...RUN, pixels: 'twice' });
    await assert.rejects(peer.run({ ...RUN, pixels: 'hang' }), PeerFailed);
  });
});

/** A peer over serve.mts whose embedding is a picture's first number, and that chatters. */
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
const served = (model?: string) =>
  start([process.execPath, '--import', 'tsx', '--input-type=module', '--eval', FIRST], model);

describe('a peer in Node', () => {
  test('times its engine and how long it blocks, and keeps stdout clean', async () => {
    const peer = await served();
    assert.deepEqual(peer.versions, { first: '1.0.0' });
    const { seconds, eventLoopDelayMaxMs } = await peer.run(RUN);
    assert.equal(seconds.length, 3);
    assert.ok(
      seconds.every((one) => one >= 0.03 && one < 1),
      String(seconds),
    );
    assert.ok((eventLoopDelayMaxMs as number) >= 30, String(eventLoopDelayMaxMs));
    assert.deepEqual(
      await peer.embed(pixels, 4),
      [0, 1, 2, 0].map((x) => Float32Array.of(x)),
    );
    await assert.rejects(peer.embed(join(folder, 'absent'), 1), /ENOENT/);
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

  test('are read from any picture on, round past the end', async () => {
    const values = await read(2, 5);
    const firsts = Array.from({ length: 5 }, (_, i) => values[12 * i]);
    assert.deepEqual(firsts, [2, 0, 1, 2, 0]);
    assert.equal(values.length, 5 * 12);
  });

  test('hold whole pictures', async () => {
    await assert.rejects(
      read(0, 1, 5),
      /expected whole pictures of 300 bytes in .* found 144 bytes/,
    );
  });
});

test('a reply that is more than a pipe takes at once arrives whole', {
  timeout: 60_000,
}, async () => {
  const peer = await start([process.execPath, '--import', 'tsx', path('./support/wide-peer.mts')]);
  const embeddings = await peer.embed(pixels, 100);
  assert.equal(embeddings.length, 100);
  for (const one of embeddings) assert.equal(one.length, 10_000);
  await peer.close();
});
