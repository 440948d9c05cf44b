// Repeats the same work until it is killed. After each block it prints a line of JSON with the
// memory that the process holds:
//   node --expose-gc --import tsx soak.mts PACKAGE BUNDLE requests|texts|loads COUNT [leak]
// It uses a fake engine or, for loads, any engine with images of the same size; this package's own
// engine runs on the device under test. With `leak` it does not release its results, which a check
// must notice.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { EncodeOptions, ImageInput } from 'llm2clip';
import { DEVICE } from './device.mts';
import { ASK_HEAP, FAKE_DIM, FAKE_SIZE, fakePixels, POISON, requireFake } from './fake-engine.mts';
import { until } from './until.mts';

/** Memory of a process after a block and a garbage collection. */
export interface Held {
  rssMiB: number;
  /** Live malloc'ed memory: native memory and ArrayBuffers. Only with a fake engine. */
  heapKiB: number;
  /** Memory of JavaScript objects of this thread. */
  jsKiB: number;
  threads: number;
}

const [path = '', bundle = '', what, count, leak] = process.argv.slice(2);
const { LLM2CLIP } = requireFake(path);
type Model = Awaited<ReturnType<typeof LLM2CLIP.load>>;
const own = fileURLToPath(new URL('../..', import.meta.url));
const batching = { maxBatch: 16, maxQueue: 256 };
/** A cache that is full soon, so that it does not look like growth. */
const textCache = { maxEntries: 1000 };
const options = { device: path === own ? DEVICE : 'cpu', threads: 1, textCache };
const kept: unknown[] = [];

const threadsNow = () => readdirSync('/proc/self/task').length;
let fewestThreads = Number.POSITIVE_INFINITY;

/** Whether no engine has pending work, including that of callers that have left. */
function isIdle(model: Model): boolean {
  const { queue, text } = model.stats();
  const queues = [queue, text?.queue];
  return queues.every((one) => one === undefined || one.depth + one.inBatches === 0);
}

/** Waits until disposed engines have ended their threads and freed their memory. */
async function settle(model: Model): Promise<void> {
  await until(() => isIdle(model), 'idle engines');
  for (let i = 0; i < 5000 && !leak && threadsNow() > fewestThreads; i++) await sleep(1);
  fewestThreads = Math.min(fewestThreads, threadsNow());
}

async function measure(model: Model): Promise<Held> {
  await settle(model);
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await sleep(20);
  }
  const [, heapKiB = Number.NaN] = await model.encodeImage(fakePixels(ASK_HEAP), {
    normalize: false,
  });
  const pages = Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[1]);
  const jsKiB = process.memoryUsage().heapUsed / 1024;
  return { rssMiB: (pages * 4096) / 2 ** 20, heapKiB, jsKiB, threads: threadsNow() };
}

const shape = [1, 3, FAKE_SIZE, FAKE_SIZE];
const length = 3 * FAKE_SIZE * FAKE_SIZE;
const pixels = fakePixels(1);
const halves = { pixelValues: new Uint16Array(length), shape };
const shared = { pixelValues: new Float32Array(new SharedArrayBuffer(4 * length)), shape };
const raw = { data: new Uint8Array(30 * 40 * 3), width: 40, height: 30, channels: 3 as const };
const poison = fakePixels(POISON);

/** Cycles through all kinds of inputs and outputs. */
function nth(i: number): [ImageInput, EncodeOptions] {
  switch (i % 10) {
    case 0:
      return [raw, {}];
    case 1:
      return [halves, {}];
    case 2:
      return [shared, { priority: i % 3 }];
    case 3:
      return [pixels, { out: new Float32Array(FAKE_DIM) }];
    case 4:
      return [{ pixelValues: new Float32Array(length), shape }, { transfer: true }];
    case 5: {
      const controller = new AbortController();
      setImmediate(() => controller.abort());
      return [pixels, { signal: controller.signal }];
    }
    case 6:
      return [pixels, { timeoutMs: i % 4 }];
    case 7:
      return i % 100 === 7 ? [poison, {}] : [pixels, { normalize: false }];
    default:
      return [pixels, {}];
  }
}

async function request(model: Model, i: number): Promise<void> {
  const [input, options] = nth(i);
  const embedding = await model.encodeImage(input, options).catch(() => undefined);
  if (leak) kept.push(embedding);
}

/** Encodes texts of various lengths, each only once, and aborts some of them. */
async function text(model: Model, i: number): Promise<void> {
  const controller = new AbortController();
  if (i % 10 === 5) setImmediate(() => controller.abort());
  const options = i % 10 === 6 ? { timeoutMs: 2 } : { signal: controller.signal };
  const words = `a photo of ${texts++} ${'and more '.repeat(i % 4)}`;
  const embedding = await model.encodeText(words, options).catch(() => undefined);
  if (leak) kept.push(embedding);
}

let texts = 0;

async function requests(model: Model, one: typeof request): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < Number(count)) await one(model, next++);
  };
  await Promise.all(Array.from({ length: 64 }, lane));
}

async function loads(): Promise<void> {
  for (let i = 0; i < Number(count); i++) {
    // Another maxQueue gives an engine separate from that of the measuring model.
    const maxQueue = 1 + kept.length;
    const model = await LLM2CLIP.load(bundle, { ...options, batching: { ...batching, maxQueue } });
    await model.encodeImage(pixels);
    if (leak) kept.push(model);
    else await model.dispose();
  }
}

const model = await LLM2CLIP.load(bundle, { ...options, batching });
for (;;) {
  await (what === 'loads' ? loads() : requests(model, what === 'texts' ? text : request));
  console.log(JSON.stringify(await measure(model)));
}
