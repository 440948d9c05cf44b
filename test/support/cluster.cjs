// Forks processes of a cluster, each with the model and images in flight, and kills one of them:
// cluster.cjs PACKAGE BUNDLE SIZE
const assert = require('node:assert/strict');
const cluster = require('node:cluster');
const { once } = require('node:events');
const { join } = require('node:path');

const [path, bundle, size] = process.argv.slice(2);
const { LLM2CLIP } = require(join(path, 'dist', 'index.js'));
const numbers = Array.from({ length: 40 }, (_, i) => i);

function input(first) {
  const pixelValues = new Float32Array(3 * size * size);
  pixelValues[0] = first;
  return { pixelValues, shape: [1, 3, Number(size), Number(size)] };
}

async function encodeAll(model) {
  const all = numbers.map((i) => model.encodeImage(input(i), { normalize: false }));
  assert.deepEqual(
    (await Promise.all(all)).map(([first]) => first),
    numbers,
  );
}

async function lead(model) {
  const [victim, ...others] = [1, 2, 3].map(() => cluster.fork());
  const ends = others.map((fork) => once(fork, 'exit'));
  await once(victim, 'message');
  victim.process.kill('SIGKILL');
  await encodeAll(model);
  for (const end of await Promise.all(ends)) assert.deepEqual(end, [0, null]);
  await model.dispose();
  console.log('all well');
}

async function follow(model) {
  process.send('busy');
  await encodeAll(model);
  await model.dispose();
  cluster.worker.disconnect();
}

LLM2CLIP.load(bundle, { batching: { maxBatch: 4 } }).then(cluster.isPrimary ? lead : follow);
