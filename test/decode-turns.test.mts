// Tests that all threads of a process share the limit of images that are decoded at the same time,
// because libuv's threads, which decode them, belong to the process.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { LIMIT, limited } from '#lib/image/limit';

const SCRIPT = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { limited } = require(workerData);
  let end;
  const held = new Promise((resolve) => { end = resolve; });
  parentPort.on('message', (message) => {
    if (message === 'end') end();
    parentPort.postMessage(message);
  });
  limited(async () => {
    parentPort.postMessage('begun');
    await held;
  });
  parentPort.postMessage('asked');
`;

/** Starts a worker that decodes until it is told to end, and collects its messages. */
function decoder(): { worker: Worker; said: unknown[] } {
  const workerData = fileURLToPath(import.meta.resolve('#lib/image/limit'));
  const worker = new Worker(SCRIPT, { eval: true, workerData, execArgv: [] });
  const said: unknown[] = [];
  worker.on('message', (message) => said.push(message));
  return { worker, said };
}

/** Sends a message to the worker and waits until it comes back, after all earlier messages. */
async function ask(worker: Worker, message: string): Promise<void> {
  const answered = new Promise<void>((resolve) => {
    const listen = (said: unknown) => {
      if (said !== message) return;
      worker.off('message', listen);
      resolve();
    };
    worker.on('message', listen);
  });
  worker.postMessage(message);
  await answered;
}

/** Starts a decode that runs until it is released. */
function hold(): { done: Promise<void>; release: () => void; begun: () => boolean } {
  let release = () => {};
  let isBegun = false;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const done = limited(() => {
    isBegun = true;
    return held;
  });
  return { done, release, begun: () => isBegun };
}

test("another thread waits for this thread's turns, and gets the first free one", async () => {
  const holds = Array.from({ length: LIMIT }, hold);
  const { worker, said } = decoder();
  await once(worker, 'message');
  await ask(worker, 'still there');
  assert.deepEqual(said, ['asked', 'still there']);
  holds[0]?.release();
  while (!said.includes('begun')) await once(worker, 'message');
  const next = hold();
  await ask(worker, 'end');
  next.release();
  await next.done;
  for (const { release, done } of holds) {
    release();
    await done;
  }
  await worker.terminate();
});

test('a terminated thread gives back its turn, and no longer waits for one', async () => {
  const holds = Array.from({ length: LIMIT - 1 }, hold);
  const one = decoder();
  while (!one.said.includes('begun')) await once(one.worker, 'message');
  const other = decoder();
  await once(other.worker, 'message');
  const next = hold();
  assert.equal(next.begun(), false);
  await other.worker.terminate();
  await one.worker.terminate();
  next.release();
  await next.done;
  for (const { release, done } of holds) {
    release();
    await done;
  }
  assert.equal(loadAll(), LIMIT);
});

/** Returns the number of decodes that start at the same time. */
function loadAll(): number {
  const holds = Array.from({ length: LIMIT + 1 }, hold);
  const begun = holds.filter(({ begun }) => begun()).length;
  for (const { release } of holds) release();
  return begun;
}
