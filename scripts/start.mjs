// The demo of `npm start`: a checkpoint becomes an engine, and real pictures become embeddings.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convert, LLM2CLIP } from 'llm2clip';

const FIXTURES = join(dirname(fileURLToPath(import.meta.url)), '..', 'test', 'fixtures');
const PHOTOGRAPHS = ['china.jpg', 'flower.jpg'].map((name) => join(FIXTURES, 'images', name));

async function pictures(folder) {
  const names = await readdir(join(FIXTURES, 'digits', folder));
  return names
    .filter((name) => name.endsWith('.png'))
    .map((name) => join(FIXTURES, 'digits', folder, name));
}

/** "7-012.png" shows a 7. */
const label = (path) => basename(path)[0];

/** Embeddings are L2-normalised: their dot product is the cosine. */
function cosine(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function nearest(embedding, gallery) {
  let best = 0;
  for (let i = 1; i < gallery.shape[0]; i++) {
    if (cosine(embedding, gallery.row(i)) > cosine(embedding, gallery.row(best))) best = i;
  }
  return best;
}

async function digits(model) {
  const [known, heldOut] = await Promise.all([pictures('gallery'), pictures('heldout')]);
  const gallery = await model.encodeImages(known);
  const started = performance.now();
  const embeddings = await model.encodeImages(heldOut);
  const seconds = (performance.now() - started) / 1000;
  const right = heldOut.filter(
    (path, i) => label(path) === label(known[nearest(embeddings.row(i), gallery)]),
  );
  console.log(
    `\n${heldOut.length} held-out digits against ${known.length} known ones: ` +
      `${((100 * right.length) / heldOut.length).toFixed(1)} % have a nearest neighbour of their kind`,
  );
  console.log(`${(heldOut.length / seconds).toFixed(0)} images per second, decoding included`);
  return right.length / heldOut.length;
}

async function similarities(model) {
  const heldOut = await pictures('heldout');
  const some = ['0', '1', '7'].flatMap((d) =>
    heldOut.filter((path) => label(path) === d).slice(0, 2),
  );
  const shown = [...some, ...PHOTOGRAPHS];
  const embeddings = await model.encodeImages(shown);
  const names = shown.map((path) => basename(path).replace(/\.\w+$/, ''));
  const width = Math.max(...names.map((name) => name.length)) + 2;
  console.log('\nCosine similarities');
  console.log(' '.repeat(width) + names.map((name) => name.padStart(width)).join(''));
  for (const [i, name] of names.entries()) {
    const row = names.map((_, j) =>
      cosine(embeddings.row(i), embeddings.row(j)).toFixed(2).padStart(width),
    );
    console.log(name.padEnd(width) + row.join(''));
  }
}

function whatRan({ engine, device, precision, threads, parameters, kernels }) {
  console.log(
    `\nRan ${engine.kind} (${engine.flavour}, libtorch ${engine.version}) on ${device} in ${precision} ` +
      `with ${threads} threads, ${parameters.toLocaleString('en')} parameters`,
  );
  for (const kernel of kernels) console.log(`  ${kernel}`);
}

const folder = await mkdtemp(join(tmpdir(), 'llm2clip-start-'));
try {
  const bundle = join(folder, 'digits.bundle');
  const started = performance.now();
  await convert(join(FIXTURES, 'digits', 'digits-eva02.pt'), { out: bundle });
  console.log(
    `converted digits-eva02.pt in ${((performance.now() - started) / 1000).toFixed(2)} s`,
  );
  const model = await LLM2CLIP.load(bundle);
  const accuracy = await digits(model);
  await similarities(model);
  whatRan(model.info);
  await model.dispose();
  if (accuracy < 0.95) {
    console.error('expected at least 95 % of the digits to be recognised');
    process.exitCode = 1;
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
