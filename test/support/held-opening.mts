// Opens a model while a gate holds its engine: held-opening.mts PACKAGE FOLDER WAY. Each way does
// something that must be possible before the gate opens.
import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { heldBundle, requireFake } from './fake-engine.mts';
import { Gate } from './gate.mts';

const [path = '', folder = '', way = ''] = process.argv.slice(2);
const gate = await Gate.listen();
const bundle = await heldBundle(join(folder, way), gate);

/** Reads a file and looks up a host name, both on libuv's threads. */
async function useLibuv(): Promise<void> {
  await readFile(new URL(import.meta.url));
  await lookup('localhost');
}

const WAYS: Record<string, () => Promise<void>> = {
  async 'files and names'() {
    const { LLM2CLIP } = requireFake(path);
    // The second load waits for the first.
    const loading = [1, 2].map(() => LLM2CLIP.load(bundle));
    await gate.waitForRuns(1);
    await useLibuv();
    gate.close();
    for (const model of await Promise.all(loading)) await model.dispose();
  },

  async exit() {
    void requireFake(path).LLM2CLIP.load(bundle);
    await gate.waitForRuns(1);
    process.exit(7);
  },

  async terminate() {
    const worker = startWorker();
    await gate.waitForRuns(1);
    await worker.terminate();
    await useLibuv();
    // The opened engine is released, and this process ends, although nobody asks for the engine.
    gate.close();
  },

  async 'terminate and exit'() {
    const worker = startWorker();
    await gate.waitForRuns(1);
    await worker.terminate();
    process.exit(7);
  },

  async 'exit beside a worker'() {
    startWorker();
    await gate.waitForRuns(1);
    process.exit(7);
  },
};

function startWorker(): Worker {
  const script = `
    const { workerData: { path, bundle } } = require('node:worker_threads');
    require(path + '/dist/index.js').LLM2CLIP.load(bundle);
  `;
  return new Worker(script, { eval: true, workerData: { path, bundle }, execArgv: [] });
}

await WAYS[way]?.();
console.log('over');
