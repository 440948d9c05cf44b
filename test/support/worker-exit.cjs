// Ends the process while a worker has pictures in flight: worker-exit.cjs PACKAGE BUNDLE SIZE WAY DELAY
const { join } = require('node:path');
const { Worker } = require('node:worker_threads');

const [path, bundle, size, way, delay] = process.argv.slice(2);
const workerData = { path, bundle, size: Number(size), terminated: true };
const worker = new Worker(join(__dirname, 'fake-worker.cjs'), { workerData });
worker.once('message', () => {
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
});
