// Ends the process while a worker has pictures in flight: worker-exit.mts PACKAGE BUNDLE WAY DELAY
import { once } from 'node:events';
import { fakeWorker } from './fake-engine.mts';

const [path = '', bundle = '', way, delay] = process.argv.slice(2);
const worker = fakeWorker({ path, bundle, terminated: true });
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
