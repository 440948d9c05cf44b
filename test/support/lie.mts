// Passes arrays that lie about their length to every function that takes one: lie.mts PACKAGE
// BUNDLE. It prints a line of JSON before and after each case. If a case kills the process, it is
// the last one that was started.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Preprocessing } from '#lib/image/preprocessing';
import { loadNative } from '#lib/native';
import { FAKE_DIM, FAKE_SIZE, requireFake } from './fake-engine.mts';
import { LIES, type Numbers } from './lying-arrays.mts';

const [path = '', bundle = ''] = process.argv.slice(2);
const { LLM2CLIP, VectorIndex, similarity, recall, classEmbeddings, classProbabilities, heatMap } =
  requireFake(path);
const model = await LLM2CLIP.load(bundle);
const LENGTH = 3 * FAKE_SIZE ** 2;
const EDGE = 48;
const DIM = 16;
const shape = [1, 3, FAKE_SIZE, FAKE_SIZE];
const raw = { normalize: false };

const floats = (length: number) => Float32Array.from({ length }, (_, i) => 1 + (i % 7));
const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => i % 251);
const index = async (vectors = floats(3 * DIM)) => {
  const made = VectorIndex.create({ dim: DIM });
  await made.add(vectors);
  return made;
};
const classifier = await model.classifier(['a', 'photo']);
const matrix = (data: Float32Array) => ({ data, shape: [2, DIM] as const });

interface Entry {
  make: (length: number) => Numbers;
  /** The right number of elements. */
  good: number;
  bad: readonly number[];
  call: (array: never) => Promise<unknown> | unknown;
}

/** Lengths for a call that takes exactly `good` numbers. */
const exactly = (good: number) => ({ good, bad: [0, 3, good - 1, good + 1, good + 100_000] });
/** Lengths for a call that takes rows. */
const rows = (row: number) => ({ good: 2 * row, bad: [3, 2 * row - 1, 2 * row + 1] });
/** Lengths for a call that writes to the array, which may be longer. */
const room = (good: number) => ({ good, bad: [0, 3, good - 1] });

const firstOf = async (promise: Promise<Float32Array>) => (await promise)[0];

/** The native functions, which must not rely on checks in lib/. */
const native = loadNative();
const preprocessing = { size: 32, resample: 'bicubic', mean: [0, 0, 0], std: [1, 1, 1] };
const inside = createRequire(join(path, 'dist', 'native.js'));
const engine = await (inside('./native.js') as typeof import('#lib/native'))
  .loadNative()
  .openEngine(join(path, 'build', 'Release', 'llm2clip_torchscript.so'), []);
const common = {
  ...{ device: 'cpu', computeCapabilities: [], threads: 1, maxQueue: 64, maxDelayMs: 0 },
};
const part = (name: string) => ({
  ...{ file: join(bundle, name, '1/model.pt'), cache: '', maxBatch: 4, dim: FAKE_DIM },
});
const session = await engine.open({
  ...{ ...common, key: 'lie' },
  vision: {
    ...part('vision'),
    preprocessing: { ...preprocessing, size: FAKE_SIZE } as Preprocessing,
  },
});
const features = await engine.open({
  ...{ ...common, key: 'lie about features' },
  adapter: { ...part('adapter'), width: FAKE_DIM },
});
let id = 0;
const submit = (input: object, borrowed: boolean, out?: Float32Array, to = session) => {
  const spec = { borrowed, priority: 0, timeoutMs: undefined, waits: false, normalize: false };
  id += 1;
  const pending = to.encode(id, input as never, { ...spec, out, outOffset: 0 });
  to.wake();
  return firstOf(pending);
};

const ENTRIES: Record<string, Entry> = {};
for (const transfer of [false, true]) {
  const how = transfer ? ', transferred' : '';
  const encode = (input: never) => firstOf(model.encodeImage(input, { ...raw, transfer }));
  const square = { width: EDGE, height: EDGE, channels: 1 };
  const image = (data: never) => encode({ data, ...square } as never);
  const values = (pixelValues: never) => encode({ pixelValues, shape } as never);
  const rawPixels = { ...exactly(EDGE * EDGE), call: image };
  Object.assign(ENTRIES, {
    [`raw pixels${how}`]: { make: bytes, ...rawPixels },
    [`clamped pixels${how}`]: {
      make: (length: number) => Uint8ClampedArray.from(bytes(length)),
      ...rawPixels,
    },
    [`float pixelValues${how}`]: { make: floats, ...exactly(LENGTH), call: values },
    [`half pixelValues${how}`]: {
      make: (length: number) => new Uint16Array(length).fill(0x3c00),
      ...exactly(LENGTH),
      call: values,
    },
    [`pictures of encodeImages${how}`]: {
      make: floats,
      ...exactly(LENGTH),
      call: async (pixelValues: never) => {
        const { data } = await model.encodeImages([{ pixelValues, shape }], { ...raw, transfer });
        return data[0];
      },
    },
  });
}
const image = () => ({ pixelValues: floats(LENGTH), shape });
Object.assign(ENTRIES, {
  'pictures of embedStream': {
    make: floats,
    ...exactly(LENGTH),
    call: async (pixelValues: never) => {
      const found: unknown[] = [];
      for await (const { embedding } of model.embedStream([{ pixelValues, shape }], raw)) {
        found.push(embedding?.[0]);
      }
      return found;
    },
  },
  'out of encodeImage': {
    make: floats,
    ...room(FAKE_DIM),
    call: async (out: never) => {
      const given = await model.encodeImage(image(), { ...raw, out });
      return [given === out, (out as number[])[0]];
    },
  },
  'out of encodeImages': {
    make: floats,
    ...room(2 * FAKE_DIM),
    call: async (out: never) => {
      const { data } = await model.encodeImages([image(), image()], { ...raw, out });
      return [data.length, data[0], (out as number[])[FAKE_DIM]];
    },
  },
  'out of encodeText': {
    make: floats,
    ...room(FAKE_DIM),
    call: async (out: never) => (await model.encodeText('a', { ...raw, out })) === out,
  },
  'out of encodeTexts': {
    make: floats,
    ...room(2 * FAKE_DIM),
    call: async (out: never) => {
      const { data } = await model.encodeTexts(['a', 'photo'], { ...raw, out });
      return data.length;
    },
  },
  features: {
    make: floats,
    ...rows(FAKE_DIM),
    call: async (features: never) => {
      const { data, shape } = await model.encodeTextFeatures(features, raw);
      return [shape, data[0]];
    },
  },
  'VectorIndex.add': {
    make: floats,
    ...rows(DIM),
    call: async (vectors: never) => (await index(vectors)).size,
  },
  'VectorIndex.add of embeddings': {
    make: floats,
    ...exactly(2 * DIM),
    call: async (data: never) => (await index(matrix(data) as never)).size,
  },
  'VectorIndex.search': {
    make: floats,
    ...exactly(DIM),
    call: async (query: never) => Array.from((await (await index()).search(query)).scores),
  },
  'VectorIndex.search of several': {
    make: floats,
    ...exactly(DIM),
    call: async (query: never) => {
      const found = await (await index()).search([floats(DIM), query]);
      return found.map(({ scores }) => Array.from(scores));
    },
  },
  'VectorIndex.search of embeddings': {
    make: floats,
    ...exactly(2 * DIM),
    call: async (data: never) => {
      const found = await (await index()).search(matrix(data));
      return found.map(({ scores }) => Array.from(scores));
    },
  },
  'similarity, first': {
    make: floats,
    ...exactly(2 * DIM),
    call: async (data: never) => similarity(matrix(data), matrix(floats(2 * DIM))),
  },
  'similarity, second': {
    make: floats,
    ...rows(DIM),
    call: async (data: never) => similarity(matrix(floats(2 * DIM)), data),
  },
  'Classifier.rank': {
    make: floats,
    ...exactly(FAKE_DIM),
    call: (embedding: never) => classifier.rank(embedding),
  },
  recall: {
    make: floats,
    ...exactly(2 * DIM),
    call: (data: never) => recall(matrix(data), matrix(floats(2 * DIM))),
  },
  classEmbeddings: {
    make: floats,
    ...exactly(2 * DIM),
    call: (data: never) => Array.from(classEmbeddings(matrix(data), 1).data),
  },
  classProbabilities: {
    make: floats,
    ...exactly(2 * DIM),
    call: (data: never) => Array.from(classProbabilities(matrix(data), matrix(data)).data),
  },
  'patches of heatMap': {
    make: floats,
    ...exactly(4 * DIM),
    call: async (data: never) => {
      const patches = { data, shape: [2, 2, DIM] } as never;
      return (await heatMap(patches, floats(DIM))).length;
    },
  },
  'native session, floats': {
    make: floats,
    ...exactly(LENGTH),
    call: (pixelValues: never) => submit({ pixelValues }, false),
  },
  'native session, borrowed floats': {
    make: floats,
    ...exactly(LENGTH),
    call: (pixelValues: never) => submit({ pixelValues }, true),
  },
  'native session, feature': {
    make: floats,
    ...exactly(FAKE_DIM),
    call: (feature: never) => submit({ feature }, true, undefined, features),
  },
  'native session, halves': {
    make: (length: number) => new Uint16Array(length),
    ...exactly(LENGTH),
    call: (pixelValues: never) => submit({ pixelValues }, true),
  },
  'native session, raw pixels': {
    make: bytes,
    ...exactly(EDGE * EDGE * 3),
    call: (data: never) => submit({ data, width: EDGE, height: EDGE, channels: 3 }, true),
  },
  'native session, out': {
    make: floats,
    ...room(FAKE_DIM),
    call: (out: never) => submit({ pixelValues: floats(LENGTH) }, true, out),
  },
  'native preprocess': {
    make: bytes,
    ...exactly(EDGE * EDGE * 3),
    call: async (data: never) => {
      const image = { data, width: EDGE, height: EDGE, channels: 3 as const };
      return (await native.preprocess(image, preprocessing as Preprocessing))[0];
    },
  },
  'native vectors': {
    make: floats,
    ...rows(DIM),
    call: (vectors: never) => native.createVectors('fp32', DIM).add(vectors),
  },
  'native queries': {
    make: floats,
    ...rows(DIM),
    call: async (queries: never) => {
      const vectors = native.createVectors('fp32', DIM);
      vectors.add(floats(3 * DIM));
      return Array.from((await vectors.search(queries, 2, 1).done).scores);
    },
  },
  'native similarity': {
    make: floats,
    ...rows(DIM),
    call: async (a: never) => Array.from(await native.similarity(a, floats(DIM), DIM, 1)),
  },
});

async function outcome({ call }: Entry, array: Numbers): Promise<unknown> {
  try {
    return { result: (await call(array as never)) ?? null };
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    return { code: code ?? message };
  }
}

for (const [name, entry] of Object.entries(ENTRIES)) {
  for (const [lie, tell] of Object.entries(LIES)) {
    for (const length of [entry.good, ...entry.bad]) {
      const wrong = length !== entry.good;
      const claimed = wrong ? entry.good : 7;
      const at = { name, lie, length, wrong };
      console.log(JSON.stringify({ begun: at }));
      const honest = await outcome(entry, entry.make(length));
      const found = await outcome(entry, tell(entry.make(length), claimed));
      console.log(JSON.stringify({ ...at, honest, found }));
    }
  }
}
await classifier.dispose();
await session.close();
await features.close();
await model.dispose();
