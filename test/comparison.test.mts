// Tests the comparison of ours with peers: which contestants are paired, in which order, alone and
// in company, and how failures are handled. The times are given.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Comparison } from '#lib/bench/record';
import { compareAll, type Settings } from '../bench/comparison.mts';
import { openRunner, type Runner, type Turn } from '../bench/contestants.mts';
import { PeerMissing, type PeerSpec } from '../bench/peers/peer.mts';
import { childrenOf, stateOf } from './support/processes.mts';
import { temporaryFolder } from './support/temporary.mts';

const SIZE = 2;
const IMAGES = 12;
const path = join(temporaryFolder(), 'pixels.f32');
writeFileSync(path, new Float32Array(IMAGES * 3 * SIZE * SIZE));
const FAKE = fileURLToPath(new URL('./support/fake-peer.cjs', import.meta.url));

/** The embeddings that the fake peer returns. */
const embeddings = Array.from({ length: IMAGES }, (_, i) => Float32Array.of(i, SIZE));

function spec(name: string, precision: string, model = 'model.onnx'): PeerSpec {
  const open = { model, precision, threads: 2, device: 'cpu', imageSize: SIZE, maxBatch: 8 };
  const command = [process.execPath, FAKE];
  return { name: `${name} ${precision}`, command, open: { ...open, calibration: null } };
}
const ours = (...precisions: string[]) => precisions.map((one) => spec('ours', one));

/** Runs contestants without processes, and records what they do. */
class Stage {
  /** "open NAME", "run NAME BATCH" and "close NAME", in the order of events. */
  readonly log: string[] = [];
  readonly absent: string[] = [];
  readonly #open = new Set<string>();
  readonly #running = new Set<string>();
  /** Seconds for a batch of one. Ours takes half the time of a peer. */
  seconds = ({ name }: PeerSpec, _company: number): number => (name.startsWith('ours') ? 1 : 2);
  onRun = (_spec: PeerSpec, _turn: Turn): void => {};

  readonly settings: Settings = {
    ...{ model: 'fake', device: 'cpu', threads: 2, batches: [1, 8], rounds: 3, aloneTurns: 0 },
    pixels: { path, count: IMAGES, imageSize: SIZE },
    reference: embeddings,
    signal: new AbortController().signal,
    open: async (one) => this.#opened(one),
    availableMemory: () => 2 ** 60,
    onStage: () => {},
    onAbsent: ({ name }, reason) => this.absent.push(`${name}: ${reason}`),
  };

  /** "NAME BATCH" for each turn. */
  get turns(): string[] {
    return this.log.flatMap((event) => /^run (.*)$/.exec(event)?.[1] ?? []);
  }

  compare(own: PeerSpec[], peers: PeerSpec[], settings: Partial<Settings> = {}) {
    return compareAll(own, peers, { ...this.settings, ...settings });
  }

  #opened(one: PeerSpec): Runner {
    const { name, open } = one;
    this.log.push(`open ${name}`);
    if (open.model === 'missing') throw new PeerMissing('run bench/peers/setup');
    assert.equal(this.#running.size, 0, `${[...this.#running]} runs while ${name} opens`);
    this.#open.add(name);
    this.#running.add(name);
    return {
      precision: open.precision,
      versions: { fake: '1.0' },
      run: async (turn) => {
        assert.deepEqual([...this.#running], [name]);
        this.log.push(`run ${name} ${turn.batch}`);
        this.onRun(one, turn);
        const seconds = turn.batch * this.seconds(one, this.#open.size);
        return { seconds: [seconds], eventLoopDelayMaxMs: 1 };
      },
      embed: async (count) => embeddings.slice(0, count),
      stop: async () => {
        this.#running.delete(name);
      },
      resume: () => {
        this.#running.add(name);
      },
      peakMemoryBytes: () => 2 ** 30,
      close: async () => {
        this.log.push(`close ${name}`);
        this.#open.delete(name);
        this.#running.delete(name);
      },
    };
  }
}

/** Returns "BATCH OURS beside PEER STATUS, …" for each comparison. */
function summaries(comparisons: readonly Comparison[]): string[] {
  return comparisons.map(({ batch, contestants: [own, ...peers] }) => {
    const others = peers.map(({ name, status }) => `${name} ${status}`);
    return `${batch} ${own?.name} ${own?.status} beside ${others.join(', ') || 'none'}`;
  });
}

test('each of ours is compared with each peer at each batch size, by paired ratios', async () => {
  const stage = new Stage();
  const fail = spec('other', 'bf16');
  stage.onRun = ({ name }) => assert.notEqual(name, fail.name, 'no such image');
  const comparisons = await stage.compare(ours('fp32', 'int8'), [
    ...[spec('peer', 'fp32'), spec('peer', 'int8'), spec('other', 'fp32', 'missing'), fail],
  ]);
  assert.deepEqual(summaries(comparisons), [
    '1 ours fp32 measured beside peer fp32 measured, other fp32 skipped',
    '8 ours fp32 measured beside peer fp32 measured, other fp32 skipped',
    '1 ours int8 measured beside peer fp32 measured, peer int8 measured, other fp32 skipped, other bf16 failed',
    '8 ours int8 measured beside peer fp32 measured, peer int8 measured, other fp32 skipped, other bf16 failed',
  ]);
  assert.deepEqual(stage.absent, [
    'other fp32: run bench/peers/setup',
    'other bf16: no such image',
  ]);
  for (const { batch, rounds, contestants, groups } of comparisons) {
    const [own, ...peers] = contestants;
    assert.equal(rounds, 3);
    assert.equal(own?.ratio, null);
    assert.ok(own?.parity?.passed);
    assert.deepEqual(own?.seconds, [batch, batch, batch]);
    assert.deepEqual(groups, [['ours fp32', 'ours int8', 'peer fp32', 'peer int8']]);
    for (const peer of peers.filter(({ status }) => status === 'measured')) {
      assert.deepEqual(peer.seconds, [2 * batch, 2 * batch, 2 * batch]);
      assert.deepEqual(peer.oursSeconds, own?.seconds);
      assert.deepEqual(peer.ratio, { value: 2, low: 2, high: 2 });
    }
  }
});

test('a peer that fails at one batch size keeps its results at others', async () => {
  const stage = new Stage();
  stage.onRun = ({ name }, { batch, offset }) => {
    assert.ok(name !== 'peer fp32' || batch !== 8 || offset === 0, 'out of memory');
  };
  const found = await stage.compare(ours('bf16'), [spec('peer', 'fp32'), spec('peer', 'bf16')]);
  assert.deepEqual(summaries(found), [
    '1 ours bf16 measured beside peer fp32 measured, peer bf16 measured',
    '8 ours bf16 measured beside peer fp32 failed, peer bf16 measured',
  ]);
  assert.equal(found[1]?.contestants[1]?.reason, 'out of memory');
});

test('if ours fails, peers have no ratio', async () => {
  const stage = new Stage();
  stage.onRun = ({ name }) => assert.notEqual(name, 'ours bf16', 'out of memory');
  const [one] = await stage.compare(ours('bf16'), [spec('peer', 'fp32')], { batches: [1] });
  const [own, peer] = one?.contestants ?? [];
  assert.deepEqual([own?.status, own?.reason], ['failed', 'out of memory']);
  assert.deepEqual([peer?.status, peer?.ratio], ['measured', null]);
});

for (const when of ['the beginning', 'a later round']) {
  test(`where all fail in ${when}, that is the result`, async () => {
    const stage = new Stage();
    const failing = spec('peer', 'fp32');
    stage.onRun = (_, { offset }) => {
      if (when === 'the beginning' || offset > 0) throw new Error('out of memory');
    };
    const found = await stage.compare(ours('fp32'), [failing], { batches: [1] });
    assert.deepEqual(summaries(found), ['1 ours fp32 failed beside peer fp32 failed']);
    assert.equal(found[0]?.rounds, 0);
    assert.equal(stage.absent.length, 2);
    const opened = stage.log.filter((event) => event.startsWith('open'));
    assert.equal(stage.log.filter((event) => event.startsWith('close')).length, opened.length);
  });
}

test('no peer at all: ours alone', async () => {
  const stage = new Stage();
  const found = await stage.compare(ours('bf16'), [], { batches: [4] });
  assert.deepEqual(summaries(found), ['4 ours bf16 measured beside none']);
  assert.equal(found[0]?.contestants[0]?.seconds.length, 3);
  assert.ok(stage.turns.every((turn) => turn === 'ours bf16 4'));
});

test('all contestants take turns in a round, and each round begins with another one', async () => {
  const stage = new Stage();
  const peers = [spec('b', 'fp32'), spec('c', 'fp32')];
  await stage.compare(ours('fp32'), peers, { batches: [1] });
  const rounds = stage.turns
    .slice(-9)
    .map((turn) => turn[0])
    .join('');
  assert.deepEqual(
    [rounds.slice(0, 3), rounds.slice(3, 6), rounds.slice(6)],
    ['obc', 'bco', 'cob'],
  );
});

test('contestants that do not fit into memory together are split into groups, each with ours', async () => {
  const stage = new Stage();
  const peers = ['a', 'b', 'c'].map((name) => spec(name, 'fp32'));
  const room = [2 ** 40, 2 ** 20];
  const found = await stage.compare(ours('fp32'), peers, {
    ...{ batches: [1], rounds: 2 },
    availableMemory: () => room.shift() ?? 2 ** 40,
  });
  const [one] = found;
  assert.deepEqual(one?.groups, [
    ['ours fp32', 'a fp32', 'b fp32'],
    ['ours fp32', 'c fp32'],
  ]);
  const [own, ...others] = one?.contestants ?? [];
  assert.equal(own?.seconds.length, 4);
  for (const peer of others) {
    assert.equal(peer.seconds.length, 2);
    assert.equal(peer.oursSeconds?.length, 2);
    assert.equal(peer.ratio?.value, 2);
  }
  assert.equal(stage.log.filter((event) => event === 'open ours fp32').length, 2);
});

describe('alone and in company', () => {
  const peers = [spec('calm', 'fp32'), spec('disturbed', 'fp32')];

  test('each contestant is also timed alone, before and after', async () => {
    const stage = new Stage();
    await stage.compare(ours('fp32'), peers, { batches: [8, 1], rounds: 1, aloneTurns: 2 });
    const [a, b, c] = ['ours fp32', 'calm fp32', 'disturbed fp32'];
    const turn = (name?: string) => Array<string>(3).fill(`run ${name} 1`);
    const alone = [a, b, c].flatMap((name) => [`open ${name}`, ...turn(name), `close ${name}`]);
    assert.deepEqual(stage.log.slice(0, alone.length), alone);
    assert.deepEqual(stage.log.slice(-alone.length), alone);
    const company = stage.log.slice(alone.length, -alone.length);
    assert.deepEqual(
      company.filter((event) => !event.startsWith('run')),
      [a, b, c].map((name) => `open ${name}`).concat([a, b, c].map((name) => `close ${name}`)),
    );
  });

  test('the record says whose times differ at the smallest batch size', async () => {
    const stage = new Stage();
    stage.seconds = ({ name }, company) => {
      if (company === 1) return 1;
      return name === 'disturbed fp32' ? 1.3 : 1.02;
    };
    const found = await stage.compare(ours('fp32'), peers, { aloneTurns: 2 });
    const agreement = found.map(({ contestants }) =>
      contestants.map(({ alone }) => alone && [alone.agrees, alone.ratio]),
    );
    assert.deepEqual(agreement, [
      [
        [true, 1.02],
        [true, 1.02],
        [false, 1.3],
      ],
      [null, null, null],
    ]);
    assert.deepEqual(found[0]?.contestants[2]?.alone, {
      ...{ before: [1, 1], after: [1, 1], ratio: 1.3, agrees: false },
    });
  });

  test('a contestant that fails alone before is left out; one that fails after keeps its results', async () => {
    const stage = new Stage();
    let opened = 0;
    const open = async (one: PeerSpec) => {
      if (one.name === 'calm fp32') throw new Error('no memory');
      if (one.name === 'disturbed fp32' && ++opened === 3) throw new Error('no memory');
      return stage.settings.open(one);
    };
    const [one] = await stage.compare(ours('fp32'), peers, { batches: [1], aloneTurns: 1, open });
    const [, calm, disturbed] = one?.contestants ?? [];
    assert.deepEqual([calm?.status, calm?.alone], ['failed', null]);
    assert.deepEqual(disturbed?.alone, { before: [2], after: [], ratio: 1, agrees: true });
    assert.deepEqual(stage.absent, ['calm fp32: no memory', 'disturbed fp32: no memory']);
  });

  test('drift of the machine between both cancels out', async () => {
    const stage = new Stage();
    let turn = 0;
    stage.seconds = () => 100 + ++turn;
    const only = { batches: [1], rounds: 3, aloneTurns: 3 };
    const [one] = await stage.compare(ours('fp32'), [], only);
    assert.ok(Math.abs((one?.contestants[0]?.alone?.ratio ?? 0) - 1) < 0.01);
  });
});

test('an interrupt ends the comparison, and finished rounds are kept', async () => {
  const abort = new AbortController();
  const stage = new Stage();
  stage.onRun = ({ name }, { offset }) => {
    if (name === 'ours bf16' && offset === 2) abort.abort(new Error('interrupted'));
  };
  const found = await stage.compare(ours('bf16'), [spec('peer', 'fp32'), spec('peer', 'bf16')], {
    ...{ rounds: 5, aloneTurns: 1, signal: abort.signal },
  });
  assert.deepEqual(summaries(found), [
    '1 ours bf16 measured beside peer fp32 measured, peer bf16 measured',
  ]);
  assert.equal(found[0]?.rounds, 2);
  for (const { seconds, alone } of found[0]?.contestants ?? []) {
    assert.equal(seconds.length, 2);
    assert.deepEqual(alone?.after, []);
  }
  assert.equal(stage.log.filter((event) => event.startsWith('close')).length, 6);
  assert.deepEqual(stage.absent, []);
});

describe('contestants in processes', () => {
  const contestants = () => childrenOf(process.pid, FAKE);
  const stopped = () => contestants().filter((pid) => stateOf(pid) === 'T');

  test('all contestants but the running one are stopped, and none is left', async () => {
    const stage = new Stage();
    const seen: [number, number][] = [];
    const open = async (one: PeerSpec) => {
      const runner = await openRunner(one, stage.settings.pixels, stage.settings.signal);
      const run = (turn: Turn) => {
        seen.push([contestants().length, stopped().length]);
        return runner.run(turn);
      };
      return { ...runner, run };
    };
    const peers = [spec('peer', 'fp32'), spec('peer', 'bf16')];
    const only = { batches: [1], rounds: 2, aloneTurns: 1, open };
    const [one] = await stage.compare(ours('bf16'), peers, only);
    assert.equal(one?.contestants.length, 3);
    const times = (count: number, what: [number, number]) => Array(count).fill(what);
    const settling = [1, 2, 3].map((open) => [open, open - 1]);
    assert.deepEqual(seen, [
      ...times(6, [1, 0]),
      ...settling,
      ...times(6, [3, 2]),
      ...times(6, [1, 0]),
    ]);
    assert.deepEqual(contestants(), []);
  });

  test('an interrupt ends all of them, the stopped ones too', async () => {
    const abort = new AbortController();
    const stage = new Stage();
    const { pixels } = stage.settings;
    let stoppedThen = 0;
    const open = async (one: PeerSpec) => {
      if (one.name !== 'peer bf16') return openRunner(one, pixels, abort.signal);
      const runner = await openRunner(one, { ...pixels, path: 'hang' }, abort.signal);
      const embed = (count: number) => {
        stoppedThen = stopped().length;
        setImmediate(() => abort.abort(new Error('interrupted')));
        return runner.embed(count);
      };
      return { ...runner, embed };
    };
    const peers = [spec('peer', 'fp32'), spec('peer', 'bf16')];
    const found = await stage.compare(ours('bf16'), peers, { open, signal: abort.signal });
    assert.equal(stoppedThen, 2);
    assert.deepEqual(found, []);
    assert.deepEqual(contestants(), []);
  });
});
