// Ours beside peers: who meets whom, in which order, and what comes of those that fail.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compareAll, type Settings } from '../bench/comparison.mts';
import type { Runner, Turn } from '../bench/contestants.mts';
import type { PeerSpec } from '../bench/peers/peer.mts';
import { temporaryFolder } from './support/temporary.mts';

const SIZE = 2;
const PICTURES = 12;
const path = join(temporaryFolder(), 'pixels.f32');
writeFileSync(path, new Float32Array(PICTURES * 3 * SIZE * SIZE));
const FAKE = fileURLToPath(new URL('./support/fake-peer.cjs', import.meta.url));

/** As the fake peer's. */
const embeddings = Array.from({ length: PICTURES }, (_, i) => Float32Array.of(i, SIZE));

/** Half the time that the fake peer says it took, and a note of every turn. */
function fakeOurs(precision: string, log: string[]): Runner {
  return {
    name: `ours ${precision}`,
    precision,
    versions: {},
    async run({ offset, batch, repeat }: Turn) {
      log.push(`${precision} ${batch}`);
      return {
        seconds: Array<number>(repeat).fill((offset + batch / 100) / 2),
        eventLoopDelayMaxMs: 1,
      };
    },
    embed: async (count) => embeddings.slice(0, count),
    close: async () => {},
  };
}

function spec(precision: string, model = 'model.onnx'): PeerSpec {
  const open = { model, threads: 2, precision, device: 'cpu', imageSize: SIZE, calibration: null };
  return { name: `peer ${precision}`, command: [process.execPath, FAKE], open };
}

const settings: Settings = {
  ...{ model: 'fake', device: 'cpu', threads: 2, batches: [1, 8], rounds: 3 },
  pixels: { path, count: PICTURES, imageSize: SIZE },
  reference: embeddings,
  signal: new AbortController().signal,
};

test('each of ours meets each peer at each batch size, by paired ratios', async () => {
  const log: string[] = [];
  const ours = ['fp32', 'int8'].map((precision) => fakeOurs(precision, log));
  const met: string[] = [];
  const absent: string[] = [];
  const comparisons = await compareAll(
    ours,
    [spec('fp32'), spec('int8'), spec('fp32', 'missing'), spec('bf16', 'fail')],
    settings,
    ({ name }, batch, { name: peer }) => met.push(`${name} ${batch} ${peer}`),
    ({ open }, reason) => absent.push(`${open.model}: ${reason}`),
  );
  assert.deepEqual(met.sort(), [
    'ours fp32 1 peer fp32',
    'ours fp32 8 peer fp32',
    'ours int8 1 peer fp32',
    'ours int8 1 peer int8',
    'ours int8 8 peer fp32',
    'ours int8 8 peer int8',
  ]);
  assert.equal(absent.length, 2);
  assert.match(absent[0] as string, /missing: .*run bench\/peers\/setup/);

  assert.equal(comparisons.length, 4);
  for (const { batch, rounds, contestants } of comparisons) {
    assert.equal(rounds, 3);
    const [own, ...peers] = contestants;
    assert.equal(own?.ratio, null);
    assert.ok(own?.parity?.passed);
    const statuses = peers.map(({ name, status }) => `${name} ${status}`);
    const expected = ['peer fp32 measured', 'peer fp32 skipped'];
    if (own?.precision === 'int8') expected.push('peer int8 measured', 'peer bf16 failed');
    assert.deepEqual(statuses.sort(), expected.sort());
    for (const peer of peers.filter(({ status }) => status === 'measured')) {
      assert.equal(peer.seconds.length, 3);
      assert.equal(peer.oursSeconds?.length, 3);
      assert.ok(Math.abs((peer.ratio?.value ?? 0) - 2) < 1e-9, `batch ${batch}`);
    }
  }
});

test('a peer that fails at one batch size keeps what it did at another', async () => {
  const ours = fakeOurs('bf16', []);
  let failures = 0;
  const once: Runner = {
    ...ours,
    async run(turn) {
      if (turn.batch === 8 && failures++ === 0) throw new Error('out of memory');
      return ours.run(turn);
    },
  };
  const found = await compareAll(
    [once],
    [spec('fp32')],
    settings,
    () => {},
    () => {},
  );
  assert.deepEqual(
    found.map(({ batch, contestants }) => [batch, contestants.map(({ status }) => status)]),
    [
      [1, ['measured', 'measured']],
      [8, ['measured', 'failed']],
    ],
  );
});

test('no peer at all: ours alone', async () => {
  const log: string[] = [];
  const [one] = await compareAll(
    [fakeOurs('bf16', log)],
    [],
    { ...settings, batches: [4] },
    () => assert.fail(),
    () => assert.fail(),
  );
  assert.deepEqual(
    one?.contestants.map(({ name }) => name),
    ['ours bf16'],
  );
  assert.ok(log.every((turn) => turn === 'bf16 4') && log.length >= 3);
});

test('each round begins with another', async () => {
  const log: string[] = [];
  const ours = ['a', 'b', 'c'].map((precision) => fakeOurs(precision, log));
  await compareAll(
    ours,
    [spec('fp32')],
    { ...settings, batches: [200] },
    () => {},
    () => {},
  );
  const rounds = log
    .slice(-9)
    .map((turn) => turn[0])
    .join('');
  assert.deepEqual(
    [rounds.slice(0, 3), rounds.slice(3, 6), rounds.slice(6)],
    ['abc', 'bca', 'cab'],
  );
});

test('an interrupt ends it, and what was finished is kept', async () => {
  const abort = new AbortController();
  const ours = fakeOurs('bf16', []);
  let turns = 0;
  const stopping: Runner = {
    ...ours,
    run(turn) {
      turns += 1;
      if (turns === 7) abort.abort(new Error('interrupted')); // in the second peer's turns
      return ours.run(turn);
    },
  };
  const found = await compareAll(
    [stopping],
    [spec('fp32'), spec('bf16')],
    { ...settings, batches: [1], signal: abort.signal },
    () => {},
    () => assert.fail(),
  );
  assert.deepEqual(
    found.map(({ contestants }) => contestants.map(({ name }) => name)),
    [['ours bf16', 'peer fp32']],
  );
});
