// A worker with a fake engine, or any engine with images of its size. It keeps images in flight
// until it is terminated or, if it is not to be `terminated`, reports what it shares. It is plain
// JavaScript, because Node 20 gives workers no loader.
const { join } = require('node:path');
const { parentPort, workerData } = require('node:worker_threads');

const { path, bundle, size, shared, terminated, device = 'cpu' } = workerData;
const { LLM2CLIP } = require(join(path, 'dist', 'index.js'));

function input(first) {
  const bytes = 4 * 3 * size * size;
  const memory = shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
  const pixelValues = new Float32Array(memory);
  pixelValues[0] = first;
  return { pixelValues, shape: [1, 3, size, size] };
}

function keepBusy(model) {
  const again = (i) => {
    model.encodeImage(input(i)).then(
      () => again(i),
      () => {},
    );
  };
  for (let i = 0; i < 8; i++) again(i);
  parentPort.postMessage('busy');
}

async function answer(model) {
  const numbers = Array.from({ length: 20 }, (_, i) => i);
  const embeddings = await Promise.all(
    numbers.map((i) => model.encodeImage(input(i), { normalize: false })),
  );
  const { submitted } = model.stats().requests;
  parentPort.postMessage({ first: embeddings.map(([first]) => first), submitted });
  parentPort.once('message', async () => {
    await model.dispose();
    parentPort.close();
  });
}

LLM2CLIP.load(bundle, { device, batching: { maxBatch: 4 } }).then(terminated ? keepBusy : answer);
