// Ends the process while a worker has images in flight: worker-exit.mjs WORKER WAY DELAY, where
// WORKER is the data of fake-worker.cjs. It is plain JavaScript, so that it starts without
// compilation.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const [data, way, delay] = process.argv.slice(2);
const worker = new Worker(new URL('./fake-worker.cjs', import.meta.url), {
  workerData: { ...JSON.parse(data), terminated: true },
});
await once(worker, 'message');
console.log('busy');
setTimeout(() => {
  if (way === 'exit') process.exit(7);
  if (way === 'throw') throw new Error('deliberate');
  if (way === 'worker-throw') {
    worker.terminate().then(() => {
      throw new Error('deliberate');
    });
  }
}, Number(delay));
