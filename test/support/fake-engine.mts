import { copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { writeBundle } from '#lib/bundle/write';
import { loadNative } from '#lib/native';
import { PARTS, type Part } from '#lib/parts';
import { adapterConfig, LLAMAS } from '../../tools/synthetic/text-towers.mts';
import { writeTinyTokenizer } from '../../tools/synthetic/tokenizer.mts';
import { CONTENT } from './bundle-content.mts';
import type { Gate } from './gate.mts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Copies this package with an engine that computes nothing (csrc/tests/fake_engine.cpp); returns
 * its path.
 */
export function fakePackage(folder: string): string {
  const release = join(folder, 'build', 'Release');
  mkdirSync(release, { recursive: true });
  writeFileSync(join(folder, 'package.json'), readFileSync(join(ROOT, 'package.json')));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
  const built = join(ROOT, 'build', 'Release');
  copyFileSync(join(built, 'llm2clip.node'), join(release, 'llm2clip.node'));
  copyFileSync(join(built, 'tests/fake_engine.so'), join(release, 'llm2clip_torchscript.so'));
  return folder;
}

/** Loads the exports of that package, with a second copy of the addon in this process. */
export function requireFake(folder: string): typeof import('llm2clip') {
  return createRequire(import.meta.url)(join(folder, 'dist', 'index.js'));
}

export const FAKE_SIZE = CONTENT.preprocessing.size;
export const FAKE_DIM = CONTENT.model.embeddingDim;

/** Duration of a batch: microseconds, or until the test releases the gate. */
export type Pace = number | Gate;

/**
 * Writes a fake engine file, see csrc/tests/fake_engine.cpp, and returns its path in the bundle.
 */
function writeEngine(inside: string, part: Part, pace: Pace, patches = 0, opening = ''): string {
  const name = `${part}/1/model.pt`;
  mkdirSync(dirname(join(inside, name)), { recursive: true });
  const [microseconds, gate] = typeof pace === 'number' ? [pace, ''] : [0, `${pace.path}\n`];
  writeFileSync(join(inside, name), `${microseconds} ${FAKE_DIM} ${patches}\n${gate}${opening}`);
  return name;
}

/** Writes a bundle whose engine the gate holds from its opening on. */
export async function heldBundle(out: string, gate: Gate): Promise<string> {
  const exchange = loadNative().exchangeDirectories;
  await writeBundle(out, { force: true, exchange }, async (inside) => {
    writeEngine(inside, 'vision', gate, 0, 'held from the opening on\n');
    return CONTENT;
  });
  return out;
}

/** The fields of a manifest for a tower with 4 × 4 patches. */
export const FAKE_TOWER = { patchSize: FAKE_SIZE / 4, width: 8, layers: 3 };

/**
 * Makes a bundle whose batches hold at most `maxBatch` images. If it has a tower, `patches` is the
 * total number of values in the engine's patches; 0 means none, as in old engines.
 */
export async function fakeBundle(
  out: string,
  pace: Pace,
  maxBatch = 64,
  patches?: number,
): Promise<string> {
  const exchange = loadNative().exchangeDirectories;
  await writeBundle(out, { force: true, exchange }, async (inside) => {
    writeEngine(inside, 'vision', pace, patches);
    const model = { ...CONTENT.model, ...(patches === undefined ? {} : FAKE_TOWER) };
    return { ...CONTENT, model, batch: { max: maxBatch } };
  });
  return out;
}

/** Makes a bundle with a text side, which has a real tokenizer. */
export async function fakeTextBundle(out: string, pace: Pace): Promise<string> {
  const exchange = loadNative().exchangeDirectories;
  await writeBundle(out, { force: true, exchange }, async (inside) => {
    const parts = PARTS.map((part) => [part, writeEngine(inside, part, pace)]);
    writeTinyTokenizer(join(inside, 'llm'), ['a', 'photo']);
    const common = { precision: 'fp32', parameters: 1, layout: 'none' } as const;
    const llm = { ...LLAMAS['llama-tiny'], width: FAKE_DIM, maxTokens: 512 };
    const adapter = adapterConfig(FAKE_DIM, FAKE_DIM, true);
    const text = { adapter: { model: adapter, ...common }, llm: { model: llm, ...common } };
    return { ...CONTENT, parts: Object.fromEntries(parts), text };
  });
  return out;
}

/**
 * Makes preprocessed pixels that begin with `first`, as will the fake engine's embedding of them.
 */
export function fakePixels(first: number) {
  const pixelValues = new Float32Array(3 * FAKE_SIZE * FAKE_SIZE);
  pixelValues[0] = first;
  return { pixelValues, shape: [1, 3, FAKE_SIZE, FAKE_SIZE] };
}

/** First number of an image that makes its batch fail. */
export const POISON = -666;

/**
 * First number of an image whose embedding has the process's live malloc'ed memory, in KiB, as
 * second.
 */
export const ASK_HEAP = -777;

/** Starts fake-worker.cjs. */
export function fakeWorker(data: {
  path: string;
  bundle: string;
  shared?: boolean;
  terminated?: boolean;
  device?: string;
}): Worker {
  const file = new URL('./fake-worker.cjs', import.meta.url);
  return new Worker(file, { workerData: { size: FAKE_SIZE, ...data }, execArgv: [] });
}
