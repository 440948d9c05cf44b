// Opens a model whose engine a gate holds meanwhile: held-opening.mts PACKAGE FOLDER WAY. What the
// way asks for has to happen before the gate opens, if it ever does.
import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { heldBundle, requireFake } from './fake-engine.mts';
import { Gate } from './gate.mts';

const [path = '', folder = '', way = ''] = process.argv.slice(2);
const gate = await Gate.listen();
const bundle = await heldBundle(join(folder, way), gate);

/** A file and a name, which libuv's threads read and look up. */
async function useLibuv(): Promise<void> {
  await readFile(new URL(import.meta.url));
  await lookup('localhost');
}

const WAYS: Record<string, () => Promise<void>> = {
  async 'files and names'() {
    const { LLM2CLIP } = requireFake(path);
    // The second waits for the first.
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
    // What it opened is let go of, and this process ends although nobody ever asks for it.
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
