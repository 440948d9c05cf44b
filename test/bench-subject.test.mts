// Tests the measured process and the generator's side: the messages between them, and what happens
// when one of them ends. The engine takes 2 ms per batch.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { realClock } from '#lib/bench/clock';
import { singleStream } from '#lib/bench/plan';
import type { Message, OpenOptions, Request } from '#lib/bench/protocol';
import type { runPlan as RunPlan } from '#lib/bench/run';
import type { SubjectProcess as Subject } from '#lib/bench/subject-process';
import { readVisionManifest } from '#lib/bundle/open';
import { ended, runs } from './support/children.mts';
import { fakeBundle, fakePackage } from './support/fake-engine.mts';
import { temporaryFolder } from './support/temporary.mts';

const folder = temporaryFolder();
const path = join(folder, 'package');
const program = join(path, 'dist/bench/subject.js');
const image = (name: string) =>
  fileURLToPath(new URL(`./fixtures/images/${name}`, import.meta.url));
const paths = ['china.jpg', 'flower.jpg'].map(image);
const lengths = { seconds: 0.2, minQueries: 6, compliant: false };
const never = new AbortController().signal;

let open: OpenOptions;
let SubjectProcess: typeof Subject;
let runPlan: typeof RunPlan;
before(async () => {
  fakePackage(path);
  const bundle = await fakeBundle(join(folder, 'bundle'), 2000);
  open = { bundle, load: { batching: { maxBatch: 4 } }, paths, input: 'encoded', tellEveryMs: 0 };
  const require = createRequire(import.meta.url);
  ({ SubjectProcess } = require(join(path, 'dist/bench/subject-process.js')));
  ({ runPlan } = require(join(path, 'dist/bench/run.js')));
});

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

/** Starts the program alone and exchanges messages with it line by line. */
function speak() {
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    say: (request: Request | string) =>
      child.stdin.write(`${typeof request === 'string' ? request : JSON.stringify(request)}\n`),
    hear: async () => JSON.parse((await lines.next()).value as string) as Message,
    exit: new Promise<number | null>((resolve) => child.on('exit', resolve)),
  };
}

type Answers = Extract<Message, { is: 'told' }>['answers'];

async function answers(hear: () => Promise<Message>, count: number): Promise<Answers[]> {
  const told: Answers[] = [];
  while (told.flat().length < count) {
    const message = await hear();
    assert.equal(message.is, 'told');
    told.push((message as Extract<Message, { is: 'told' }>).answers);
  }
  return told;
}

describe('the protocol', () => {
  test('an answer has the id of its query, and a time of the clock that all processes share', async () => {
    const { say, hear, child, exit } = speak();
    say({ op: 'open', ...open });
    const opened = await hear();
    assert.equal(opened.is === 'opened' && opened.info.maxBatch, 4);
    const asked = realClock.now();
    say({ op: 'ask', queries: [[17, 1]] });
    const [[[id, finished, outcome]]] = (await answers(hear, 1)) as [[[number, number, string]]];
    assert.deepEqual([id, outcome], [17, 'done']);
    assert.ok(finished > asked && finished < realClock.now());
    child.stdin.end();
    assert.equal(await exit, 0);
  });

  test('many queries at once: each is answered once, and two batches are pending', async () => {
    const queries = Array.from({ length: 60 }, (_, i): [number, number] => [i, i]);
    const askAll = async (maxQueue: number) => {
      const { say, hear } = speak();
      say({ op: 'open', ...open, load: { batching: { maxBatch: 4, maxQueue } } });
      await hear();
      say({ op: 'ask', queries });
      const told = (await answers(hear, queries.length)).flat();
      const ids = told.map(([id]) => id).sort((a, b) => a - b);
      assert.deepEqual(
        ids,
        queries.map(([id]) => id),
      );
      return { say, hear, outcomes: new Set(told.map(([, , outcome]) => outcome)) };
    };
    // Exactly eight queries are pending at a time: with a queue of eight none is refused, with
    // seven some are.
    assert.ok((await askAll(7)).outcomes.has('ERR_QUEUE_FULL'));
    const { say, hear, outcomes } = await askAll(8);
    assert.deepEqual([...outcomes], ['done']);
    say({ op: 'close' });
    const closed = await hear();
    assert.ok(closed.is === 'closed');
    const { stats, observed } = closed;
    assert.equal(stats.requests.completed, queries.length);
    assert.ok(observed.memory.rssPeakBytes > 0 && observed.memory.externalPeakBytes > 0);
  });

  test('answers are collected, and reported when no query is pending', async () => {
    const { say, hear } = speak();
    say({ op: 'open', ...open, tellEveryMs: 1e9 });
    await hear();
    for (const ids of [
      [1, 2, 3, 4, 5, 6, 7, 8, 9],
      [10, 11],
    ]) {
      say({ op: 'ask', queries: ids.map((id) => [id, id]) });
      const told = await answers(hear, ids.length);
      assert.equal(told.length, 1, 'one message');
    }
  });

  test('queries that fail are answered with the code of their error', async () => {
    const lost = join(folder, 'lost.jpg');
    copyFileSync(paths[0] as string, lost);
    const { say, hear } = speak();
    say({ op: 'open', ...open, paths: [paths[0] as string, lost], input: 'path' });
    await hear();
    rmSync(lost);
    say({ op: 'ask', queries: [1, 2, 3].map((id) => [id, id]) });
    const outcomes = (await answers(hear, 3)).flat().map(([id, , outcome]) => [id, outcome]);
    assert.deepEqual(outcomes.sort(), [
      [1, 'ERR_NOT_FOUND'],
      [2, 'done'],
      [3, 'ERR_NOT_FOUND'],
    ]);
  });

  test('an unsupported request is reported, and the process continues', async () => {
    const { say, hear } = speak();
    for (const [request, message] of [
      ['{"op":"close"}', /expected open, found close/],
      ['words', /JSON/],
      [{ op: 'open', ...open, bundle: join(folder, 'none') }, /none/],
    ] as const) {
      say(request);
      const failed = await hear();
      assert.ok(failed.is === 'failed', JSON.stringify(failed));
      assert.match(failed.message, message);
    }
    say({ op: 'open', ...open });
    assert.equal((await hear()).is, 'opened');
    say('{"op":"dance"}');
    const failed = await hear();
    assert.match(failed.is === 'failed' ? failed.message : '', /expected open, ask/);
  });

  test('Ctrl-C is left to the generator, and the process ends with it', async () => {
    const { say, hear, child, exit } = speak();
    say({ op: 'open', ...open });
    await hear();
    child.kill('SIGINT');
    say({ op: 'ask', queries: [[1, 1]] });
    await answers(hear, 1);
    child.stdin.end();
    assert.equal(await exit, 0);
  });
});

describe("the generator's side", () => {
  test('sends queries, runs callers, embeds and closes', async () => {
    const { subject, info } = await SubjectProcess.start(open, never);
    try {
      assert.equal(info.maxBatch, 4);
      const answered = await Promise.all([0, 1, 2].map((index) => subject.send(index)));
      assert.deepEqual(
        answered.map(({ outcome }) => outcome),
        ['done', 'done', 'done'],
      );
      const measured = await subject.loop(singleStream(), lengths);
      assert.ok(measured.queries > 0 && measured.latency.count === measured.queries);
      assert.equal((await subject.embed()).length, paths.length);
      const { stats } = await subject.close();
      assert.ok(stats.requests.completed >= measured.queries + 3 + paths.length);
      assert.ok(!runs(subject.pid as number));
    } finally {
      await subject.kill();
    }
  });

  test('errors of loading keep their codes', async () => {
    const none = { ...open, bundle: join(folder, 'none') };
    await assert.rejects(SubjectProcess.start(none, never), {
      name: 'LLM2CLIPError',
      code: 'ERR_NOT_FOUND',
    });
    const damaged = join(folder, 'damaged');
    await fakeBundle(damaged, 0);
    writeFileSync(join(damaged, 'vision/1/model.pt'), 'other content');
    await assert.rejects(SubjectProcess.start({ ...open, bundle: damaged }, never), {
      code: 'ERR_BUNDLE_INVALID',
    });
    const wrong = { ...open, load: { device: 'toaster' } };
    await assert.rejects(SubjectProcess.start(wrong, never), {
      name: 'RangeError',
      code: 'ERR_INVALID_ARG',
    });
  });

  test('the death of a subject rejects pending requests with a reason', async () => {
    const { subject } = await SubjectProcess.start(open, never);
    const looped = subject.loop(singleStream(), { ...lengths, seconds: 1000 });
    process.kill(subject.pid as number, 'SIGKILL');
    await assert.rejects(looped, {
      code: 'ERR_INTERNAL',
      message: /found that it ended with SIGKILL/,
    });
    assert.equal(subject.signal.aborted, true);
    await assert.rejects(subject.close(), /ended with SIGKILL/);
    await subject.kill();
  });

  test('programs that do not speak the protocol', async () => {
    for (const [content, message] of [
      ['process.exit(3)', /found that it ended with exit code 3;/],
      ['console.log("hello")', /wrote "hello", which is no message/],
      ['console.log(`{"is":"embedded","rows":[]}`)', /answered embedded where opened was expected/],
    ] as const) {
      const script = join(folder, 'script.cjs');
      writeFileSync(script, `${content};\nsetTimeout(() => {}, 1e9);\n`);
      await assert.rejects(SubjectProcess.start(open, never, script), {
        code: 'ERR_INTERNAL',
        message,
      });
    }
  });

  test('an abort ends the process', async () => {
    const controller = new AbortController();
    const { subject } = await SubjectProcess.start(open, controller.signal);
    const looped = subject.loop(singleStream(), { ...lengths, seconds: 1000 });
    controller.abort(new Error('enough'));
    await assert.rejects(looped, /enough/);
    await ended(subject.pid as number);
    await assert.rejects(SubjectProcess.start(open, controller.signal), /enough/);
  });
});

describe('a run at a rate', () => {
  const conditions = async (
    input: OpenOptions['input'],
    images: readonly string[],
    signal = never,
  ) => ({
    ...{ bundle: open.bundle, manifest: await readVisionManifest(open.bundle), load: open.load },
    ...{ paths: images, input, lengths, parity: null, signal },
    ...{ gflopPerPicture: null, peakGflops: null },
  });
  const plan = { ...singleStream(), scenario: 'rate', concurrency: null, rate: 100 } as const;

  test('counts queries', async () => {
    const run = await runPlan(plan, await conditions('path', [paths[0] as string]));
    assert.ok(run.queries > 0);
    assert.equal(run.latency.count, run.queries);
    assert.deepEqual(run.errors, {});
    assert.ok(run.memory.rssPeakBytes > 0);
  });

  test('counts errors', async () => {
    const run = await runPlan(plan, await conditions('path', [join(folder, 'nowhere.jpg')]));
    assert.ok((run.errors.ERR_NOT_FOUND ?? 0) > 0);
    assert.equal(run.latency.count, run.queries);
  });

  test('an abort ends it', async () => {
    const controller = new AbortController();
    const slow = { ...plan, rate: 0.001 };
    const run = runPlan(slow, await conditions('encoded', paths, controller.signal));
    setTimeout(() => controller.abort(new Error('enough')), 300);
    await assert.rejects(run, /enough/);
  });
});
