// A primary and the processes it forks, each with the model and pictures in flight; one of them is
// killed meanwhile: cluster.mts PACKAGE BUNDLE
import assert from 'node:assert/strict';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { fakePixels, requireFake } from './fake-engine.mts';

const [path = '', bundle = ''] = process.argv.slice(2);
const numbers = Array.from({ length: 40 }, (_, i) => i);

const model = await requireFake(path).LLM2CLIP.load(bundle, { batching: { maxBatch: 4 } });
const encodeAll = async () => {
  const all = numbers.map((i) => model.encodeImage(fakePixels(i), { normalize: false }));
  assert.deepEqual(
    (await Promise.all(all)).map(([first]) => first),
    numbers,
  );
};

if (cluster.isPrimary) {
  const forks = [1, 2, 3].map(() => cluster.fork());
  const [victim, ...others] = forks;
  const ends = others.map((fork) => once(fork, 'exit'));
  await once(victim as NodeJS.EventEmitter, 'message');
  victim?.process.kill('SIGKILL');
  await encodeAll();
  for (const end of await Promise.all(ends)) assert.deepEqual(end, [0, null]);
  await model.dispose();
  console.log('all well');
} else {
  process.send?.('busy');
  await encodeAll();
  await model.dispose();
  cluster.worker?.disconnect();
}
