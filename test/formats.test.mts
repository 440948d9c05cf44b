// Tests docs/formats.md against the program's output: its manifest parses, and every example has
// exactly the keys of the real output.
import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Report } from '#lib/bench/record';
import { Recorder } from '#lib/bench/recorder';
import { parseManifest } from '#lib/bundle/manifest';
import { type CatalogueNote, ImageCatalogue } from '#lib/search/image-catalogue';
import { readNote } from '#lib/search/note';
import { llm2clip, run } from './support/cli.mts';
import { IMAGES } from './support/digits.mts';
import { FAKE_DRIVER } from './support/fake-driver.mts';
import { temporaryFolder } from './support/temporary.mts';
import { wholeCheckpoint } from './support/text-bundle.mts';

const DOCUMENT = new URL('../docs/formats.md', import.meta.url);
const CHECKPOINT = fileURLToPath(new URL('./fixtures/digits/digits-eva02.pt', import.meta.url));
const GALLERY = join(IMAGES, 'gallery');
const IMAGE = fileURLToPath(new URL('./fixtures/images/china.jpg', import.meta.url));

const examples = new Map<string, unknown>();
const folder = temporaryFolder();
const bundle = join(folder, 'whole.bundle');
let whole: { checkpoint: string; llm: string };
let manifest: unknown;

before(async () => {
  const text = await readFile(DOCUMENT, 'utf8');
  for (const [, name, json] of text.matchAll(/<!-- example: (\S+) -->\n```json\n(.*?)\n```/gs)) {
    examples.set(name as string, JSON.parse(json as string));
  }
  whole = await wholeCheckpoint(join(folder, 'whole'));
  const words = ['--llm', whole.llm, '--out', bundle, '--json'];
  const converted = await llm2clip('convert', whole.checkpoint, ...words);
  assert.equal(converted.code, 0, converted.stderr);
  manifest = converted.json()[0];
});

/**
 * Returns the keys and types of a value at all levels. Of an array, only the first element counts.
 */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])];
  if (value === null || typeof value !== 'object') return typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, shape(inner)]),
  );
}

async function real(...args: string[]): Promise<unknown> {
  return (await llm2clip(...args, '--json')).json()[0];
}

test('the manifest', () => {
  const example = examples.get('manifest');
  parseManifest(JSON.stringify(example));
  assert.deepEqual(shape(example), shape(manifest));
});

test('the quantisation of int8', async () => {
  const quantisation = examples.get('quantisation');
  const example = { ...(examples.get('manifest') as object), precision: 'int8', quantisation };
  parseManifest(JSON.stringify(example));
  const out = join(folder, 'int8.bundle');
  const words = ['--out', out, '--precision', 'int8', '--calibrate', GALLERY, '--llm', whole.llm];
  assert.deepEqual(shape(example), shape(await real('convert', whole.checkpoint, ...words)));
});

test('encode', async () => {
  const { json } = await llm2clip('encode', bundle, IMAGE, '/nowhere.jpg', '--json');
  const [found, failed] = json();
  assert.deepEqual(shape(examples.get('encode')), shape(found));
  assert.deepEqual(shape(examples.get('encode-error')), shape(failed));
});

test('encode-text', async () => {
  const found = await real('encode-text', bundle, 'a photo of a cat');
  assert.deepEqual(shape(examples.get('encode-text')), shape(found));
});

test('heatmap', async () => {
  const out = join(folder, 'map.png');
  const found = await real('heatmap', bundle, IMAGE, '--text', 'a four', '--out', out);
  assert.deepEqual(shape(examples.get('heatmap')), shape(found));
});

test('index and search, and a note of the index', async () => {
  const out = join(folder, 'pictures.index');
  const found = await real('index', GALLERY, '--bundle', bundle, '--out', out);
  assert.deepEqual(shape(examples.get('index')), shape(found));
  const search = await real('search', out, IMAGE, '-k', '1');
  assert.deepEqual(shape(examples.get('search')), shape(search));
  const example = examples.get('index-note') as { extra: CatalogueNote };
  const { ids, removed } = readNote(JSON.stringify(example), 1, out);
  assert.deepEqual([ids?.length, removed?.length], [1, 1]);
  const catalogue = new ImageCatalogue([example.extra], out);
  assert.deepEqual(catalogue.entries, example.extra.pictures);
});

test('classify and eval', async () => {
  const classified = await real('classify', bundle, IMAGE, '--labels', 'cat,dog');
  assert.deepEqual(shape(examples.get('classify')), shape(classified));
  const dataset = join(folder, 'dataset');
  await mkdir(join(dataset, 'flower'), { recursive: true });
  await copyFile(IMAGE, join(dataset, 'flower', 'china.jpg'));
  const captions = JSON.stringify([{ image: 'flower/china.jpg', caption: 'a temple' }]);
  await writeFile(join(dataset, 'captions.json'), captions);
  const retrieval = await real('eval', 'retrieval', bundle, dataset);
  assert.deepEqual(shape(examples.get('eval-retrieval')), shape(retrieval));
  const zeroShot = await real('eval', 'zeroshot', bundle, dataset);
  assert.deepEqual(shape(examples.get('eval-zeroshot')), shape(zeroShot));
});

test('inspect of a checkpoint: the example equals the output', async () => {
  const found = (await real('inspect', CHECKPOINT)) as { path: string };
  assert.deepEqual(examples.get('inspect-checkpoint'), { ...found, path: 'digits-eva02.pt' });
});

test('inspect of a bundle', async () => {
  const example = { ...(examples.get('inspect-bundle') as object), manifest };
  assert.deepEqual(shape(example), shape(await real('inspect', bundle)));
});

test('runtime info', async () => {
  const keys = (value: unknown) => Object.keys(value as object).sort();
  type Places = { places: unknown[] };
  type Info = {
    libtorch: Places;
    tensorrt: Places;
    tensorrtRtx: Places;
    cuda: { devices: unknown[] };
  };
  const env = { LD_LIBRARY_PATH: FAKE_DRIVER };
  const { json } = await run(['runtime', 'info', '--json'], env);
  const found = json()[0] as Info;
  const example = examples.get('runtime-info') as typeof found;
  assert.deepEqual(keys(example), keys(found));
  assert.deepEqual(keys(example.libtorch), keys(found.libtorch));
  assert.deepEqual(keys(example.libtorch.places[0]), keys(found.libtorch.places[0]));
  assert.deepEqual(keys(example.cuda), keys(found.cuda));
  assert.deepEqual(shape(example.cuda.devices[0]), shape(found.cuda.devices[0]));
  for (const kind of ['tensorrt', 'tensorrtRtx'] as const) {
    assert.deepEqual(keys(example[kind]), keys(found[kind]));
    assert.deepEqual(keys(example[kind].places[0]), keys(found[kind].places[0]));
  }
});

test('an error', async () => {
  const found = await real('convert', CHECKPOINT, '--out', bundle);
  assert.deepEqual(shape(examples.get('error')), shape(found));
});

test('bench, and bench compare', async () => {
  const fp32 = join(folder, 'fp32.bundle');
  await llm2clip('convert', whole.checkpoint, '--out', fp32, '--precision', 'fp32');
  const brief = ['--scenario', 'single-stream', '--duration', '0.1', '--min-queries', '1'];
  const images = ['--images', GALLERY];
  const out = join(folder, 'record.json');
  const found = await real('bench', bundle, ...brief, ...images, '--reference', fp32, '--out', out);
  // Removes what depends on the machine.
  const portable = (report: unknown) => {
    const { machine, runs, ...rest } = structuredClone(report) as Report;
    // Windows need 18 answers, which a short run may not have.
    const [run] = runs.map(({ energy, windows, ...others }) => others);
    return shape({ machine: Object.keys(machine).sort(), run, ...rest });
  };
  assert.deepEqual(portable(examples.get('bench')), portable(found));
  const recorder = new Recorder(1);
  recorder.start(0);
  for (let i = 0; i < 18; i++) recorder.record({ due: i, finished: i + 1, outcome: 'done' });
  assert.deepEqual(
    shape((examples.get('bench') as Report).runs[0]?.windows),
    shape(recorder.measured(true).windows),
  );
  assert.deepEqual(
    shape(examples.get('bench-compare')),
    shape(await real('bench', 'compare', out, out)),
  );
});
