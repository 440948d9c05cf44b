// Terminates workers with images in flight: terminate-storm.mts PACKAGE BUNDLE worker|both COUNT
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fakePixels, fakeWorker, requireFake } from './fake-engine.mts';

const [path = '', bundle = '', loader, count] = process.argv.slice(2);
const PARALLEL = 4;

const model =
  loader === 'both'
    ? await requireFake(path).LLM2CLIP.load(bundle, { batching: { maxBatch: 4 } })
    : undefined;

async function terminateOne(i: number): Promise<void> {
  const worker = fakeWorker({ path, bundle, terminated: true, shared: i % 2 === 0 });
  await once(worker, 'message');
  await sleep(i % 5);
  await worker.terminate();
  const embedding = await model?.encodeImage(fakePixels(i), { normalize: false });
  if (embedding !== undefined && embedding[0] !== i) throw new Error('wrong embedding');
}

let next = 0;
const lane = async () => {
  while (next < Number(count)) await terminateOne(next++);
};
await Promise.all(Array.from({ length: PARALLEL }, lane));
await model?.dispose();
console.log(`${count} terminated`);
