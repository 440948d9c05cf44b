// The demo of `npm start`. It makes a bundle from a checkpoint and a language model, and classifies
// images by words.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  classEmbeddings,
  classProbabilities,
  convert,
  fillTemplates,
  LLM2CLIP,
  similarity,
} from 'llm2clip';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const FIXTURES = join(ROOT, 'test', 'fixtures');
const DIGITS = join(FIXTURES, 'digits');
const IMAGES = join(ROOT, 'build', 'digits');
const PHOTOGRAPHS = ['china.jpg', 'flower.jpg'].map((name) => join(FIXTURES, 'images', name));
const NAMES = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
/** Templates that the model has not been trained on. */
const TEMPLATES = [
  'somebody has written the number {} here',
  'this is what a {} looks like',
  'a low resolution image of a {}',
];
/** The factor for cosines in training: exp(logit_scale) of the checkpoint. */
const SCALE = 12.5;
const TEXTS = ['zero', 'number 1', 'A SEVEN.', 'this says 7', 'a snowy street'];

async function imagesOf(folder) {
  const names = await readdir(join(IMAGES, folder));
  return names.map((name) => join(IMAGES, folder, name));
}

/** For example, "7-012.png" shows a 7. */
const label = (path) => Number(basename(path)[0]);
const percent = (share) => `${(100 * share).toFixed(1)} %`;
/** Converts [rows, columns] to arrays. */
const rowsOf = ({ data, shape: [rows, columns] }) =>
  Array.from({ length: rows }, (_, i) => [...data.subarray(i * columns, (i + 1) * columns)]);
const best = (row) => row.indexOf(Math.max(...row));

async function timed(run) {
  const started = performance.now();
  const result = await run();
  return [result, (performance.now() - started) / 1000];
}

/** Returns the probabilities of the ten names for each image, using only words. */
async function probabilities(model, embeddings) {
  const texts = await model.encodeTexts(fillTemplates(NAMES, TEMPLATES));
  const classes = classEmbeddings(texts, TEMPLATES.length);
  return rowsOf(classProbabilities(embeddings, classes, SCALE));
}

/** For each digit, shows the image that is hardest to classify. */
function showGuesses(paths, found) {
  console.log(
    `\nZero-shot classification with texts like "${TEMPLATES[0]}": the hardest image of each digit`,
  );
  const sureness = (i) => found[i][label(paths[i])];
  for (const digit of NAMES.keys()) {
    const [hardest] = [...paths.keys()]
      .filter((i) => label(paths[i]) === digit)
      .sort((a, b) => sureness(a) - sureness(b));
    const row = found[hardest];
    const order = [...NAMES.keys()].sort((a, b) => row[b] - row[a]).slice(0, 3);
    const guesses = order.map((j) => `${NAMES[j]} ${percent(row[j])}`.padEnd(16));
    console.log(`  ${basename(paths[hardest]).padEnd(12)}${guesses.join('')}`.trimEnd());
  }
}

/** Returns the share of held-out digits that get the right name. */
async function zeroShot(model) {
  const [known, paths] = await Promise.all([imagesOf('gallery'), imagesOf('heldout')]);
  const gallery = await model.encodeImages(known);
  const [embeddings, seconds] = await timed(() => model.encodeImages(paths));
  const found = await probabilities(model, embeddings);
  showGuesses(paths, found);
  const named = paths.filter((path, i) => label(path) === best(found[i]));
  const nearest = rowsOf(await similarity(embeddings, gallery)).map(best);
  const alike = paths.filter((path, i) => label(path) === label(known[nearest[i]]));
  const [accuracy, ofNeighbours] = [named, alike].map(({ length }) => length / paths.length);
  console.log(
    `\n${paths.length} held-out digits: ${percent(accuracy)} get the right name; ` +
      `${percent(ofNeighbours)} have a nearest neighbour of their kind among ${known.length} known ones`,
  );
  console.log(`${(paths.length / seconds).toFixed(0)} images per second, decoding included`);
  return accuracy;
}

async function similarities(model) {
  const heldOut = await imagesOf('heldout');
  const some = [0, 1, 7].flatMap((digit) => heldOut.filter((p) => label(p) === digit).slice(0, 2));
  const shown = [...some, ...PHOTOGRAPHS];
  const cosines = await similarity(await model.encodeImages(shown), await model.encodeTexts(TEXTS));
  const width = Math.max(...TEXTS.map((text) => text.length)) + 3;
  console.log('\nCosine similarities of images and texts');
  console.log(' '.repeat(14) + TEXTS.map((text) => text.padStart(width)).join(''));
  for (const [i, row] of rowsOf(cosines).entries()) {
    const cells = row.map((x) => x.toFixed(2).padStart(width));
    console.log(`  ${basename(shown[i]).padEnd(12)}${cells.join('')}`);
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
  const out = join(folder, 'digits.bundle');
  const [checkpoint, llm] = [join(DIGITS, 'digits-eva02.pt'), join(DIGITS, 'llm')];
  const [, seconds] = await timed(() => convert(checkpoint, { out, llm }));
  console.log(`converted digits-eva02.pt and its language model in ${seconds.toFixed(2)} s`);
  const model = await LLM2CLIP.load(out);
  const accuracy = await zeroShot(model);
  await similarities(model);
  whatRan(model.info);
  await model.dispose();
  if (accuracy < 0.95) {
    console.error('expected at least 95 % of the digits to get the right name');
    process.exitCode = 1;
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
