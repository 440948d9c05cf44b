// Gives every native function arguments of every wrong kind, one at a time: hostile-arguments.mts
// PACKAGE FOLDER. Writes a line before each case to FOLDER/begun: the last one names the case that
// ended the process. Prints the number of cases, and those whose wrong argument was not refused.
import { mkdirSync, openSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Native, SessionSpec } from '#lib/native';
import { FAKE_DIM, FAKE_SIZE, fakeTextBundle } from './fake-engine.mts';

const [path = '', folder = ''] = process.argv.slice(2);
process.chdir(folder);
const begun = openSync('begun', 'w');
const inside = createRequire(join(path, 'dist', 'native.js'));
const native: Native = (inside('./native.js') as typeof import('#lib/native')).loadNative();

/** A value that is replaced by wrong ones, for which `isGood` returns false. */
class Leaf {
  readonly make: () => unknown;
  readonly isGood: (value: unknown) => boolean;
  constructor(make: () => unknown, isGood: (value: unknown) => boolean) {
    this.make = make;
    this.isGood = isGood;
  }
}

const integer = (value: number, least: number, most: number) =>
  new Leaf(
    () => value,
    (x) => Number.isInteger(x) && (x as number) >= least && (x as number) <= most,
  );
const number = (value: number, least: number, most: number) =>
  new Leaf(
    () => value,
    (x) => typeof x === 'number' && x >= least && x <= most,
  );
const flag = (value = false) =>
  new Leaf(
    () => value,
    (x) => typeof x === 'boolean',
  );
const string = (value: string) =>
  new Leaf(
    () => value,
    (x) => typeof x === 'string' && !x.includes('\0'),
  );
const choice = (...choices: string[]) =>
  new Leaf(
    () => choices[0],
    (x) => choices.includes(x as string),
  );
const memory = (make: () => unknown) => new Leaf(make, () => false);
/** Rows of `row` numbers; any number of rows is good. */
const rows = (row: number, count = 1) =>
  new Leaf(
    () => new Float32Array(row * count).fill(0.5),
    (x) => x instanceof Float32Array && x.length % row === 0,
  );
/** A value that may also be undefined, or null if `absent` is null. */
const optional = (leaf: Leaf, absent: null | undefined = undefined) =>
  new Leaf(leaf.make, (x) => x === absent || leaf.isGood(x));

/** A tree that may be left out as a whole. */
class Maybe {
  readonly tree: Tree;
  constructor(tree: Tree) {
    this.tree = tree;
  }
}

type Tree = Leaf | Maybe | readonly Tree[] | { readonly [key: string]: Tree };
type Way = readonly (string | number)[];

const isList = (tree: Tree): tree is readonly Tree[] => Array.isArray(tree);

/** Builds the value of a tree, with one of its nodes replaced. */
function build(tree: Tree, way?: Way, value?: unknown): unknown {
  if (way?.length === 0) return value;
  if (tree instanceof Leaf) return tree.make();
  if (tree instanceof Maybe) return build(tree.tree, way, value);
  const below = (key: string | number) => (way?.[0] === key ? way.slice(1) : undefined);
  if (isList(tree)) return tree.map((one, i) => build(one, below(i), value));
  const entries = Object.entries(tree);
  return Object.fromEntries(entries.map(([key, one]) => [key, build(one, below(key), value)]));
}

/** Yields the path of every node with a function that says which values are good there. */
function* nodes(tree: Tree, way: Way = []): Generator<[Way, (value: unknown) => boolean]> {
  if (tree instanceof Leaf) {
    yield [way, tree.isGood];
    return;
  }
  if (tree instanceof Maybe) {
    for (const [below, isGood] of nodes(tree.tree, way)) {
      yield [below, below === way ? (x) => x === undefined : isGood];
    }
    return;
  }
  // An empty array may be good, too.
  yield [way, isList(tree) ? Array.isArray : () => false];
  const below: [string | number, Tree][] = isList(tree)
    ? [...tree.entries()]
    : Object.entries(tree);
  for (const [key, one] of below) yield* nodes(one, [...way, key]);
}

const detached = () => {
  const array = new Float32Array(4);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
};
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
const throwing = () =>
  new Proxy(
    {},
    {
      get: () => {
        throw new TypeError('deliberate');
      },
    },
  );
const HOSTILE: Record<string, () => unknown> = {
  undefined: () => undefined,
  null: () => null,
  true: () => true,
  NaN: () => Number.NaN,
  Infinity: () => Number.POSITIVE_INFINITY,
  '-Infinity': () => Number.NEGATIVE_INFINITY,
  '-1': () => -1,
  '0': () => 0,
  '0.5': () => 0.5,
  '2^31': () => 2 ** 31,
  '2^53': () => 2 ** 53,
  '-2^63': () => -(2 ** 63),
  '1e300': () => 1e300,
  'an empty string': () => '',
  'a string': () => 'nowhere',
  'a zero character': () => 'a\0b',
  'half of a pair': () => '\ud800',
  'a bigint': () => 7n,
  'a symbol': () => Symbol('hostile'),
  'a function': () => () => 1,
  'an object': () => ({}),
  'an object of no class': () => Object.create(null),
  'an array': () => [],
  'an array of nothing': () => [undefined],
  'an array of NaN': () => [Number.NaN, Number.NaN, Number.NaN],
  'a long hole': () => new Array(2 ** 32 - 1),
  'a proxy that throws': throwing,
  'a revoked proxy': revoked,
  'a detached array': detached,
  'an empty array of floats': () => new Float32Array(0),
  'one float': () => new Float32Array(1),
  'seven bytes': () => new Uint8Array(7),
  doubles: () => new Float64Array(64),
  'a view of data': () => new DataView(new ArrayBuffer(64)),
  'a date': () => new Date(Number.NaN),
};

let cases = 0;
const faults: string[] = [];

const outcome = async (call: () => unknown): Promise<unknown> => {
  try {
    const value = call() as { done?: unknown } | undefined;
    await (value?.done ?? value);
    return undefined;
  } catch (error) {
    return error;
  }
};

async function expectRefusal(name: string, call: () => unknown): Promise<void> {
  cases += 1;
  writeSync(begun, `${name}\n`);
  const error = await outcome(call);
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  const isCoded = typeof code === 'string' && code.startsWith('ERR_') && code !== 'ERR_INTERNAL';
  const isOwn = error instanceof TypeError && message !== undefined && code === undefined;
  if (!isCoded && !isOwn) faults.push(`${name}: ${String(code ?? message ?? 'accepted')}`);
}

/** Makes calls with each node replaced by each value, and with too few arguments. */
async function attack<A extends unknown[]>(
  name: string,
  call: (...args: A) => unknown,
  tree: readonly Tree[],
): Promise<void> {
  const right = await outcome(() => call(...(build(tree) as A)));
  if (right !== undefined && (right as { code?: string }).code === 'ERR_INVALID_ARG') {
    faults.push(`${name}, right arguments: ${(right as Error).message}`);
  }
  for (let count = 0; count < tree.length; count++) {
    const few = (build(tree) as A).slice(0, count) as A;
    await expectRefusal(`${name} with ${count} arguments`, () => call(...few));
  }
  for (const [way, isGood] of nodes(tree)) {
    if (way.length === 0) continue;
    for (const [what, make] of Object.entries(HOSTILE)) {
      const value = make();
      const about = `${name}, ${way.join('.')}: ${what}`;
      const attempt = () => call(...(build(tree, way, value) as A));
      let good = false;
      try {
        good = isGood(value);
      } catch {
        // A proxy that throws when it is inspected.
      }
      if (!good) await expectRefusal(about, attempt);
      else {
        writeSync(begun, `${about}, which may do\n`);
        await outcome(attempt);
      }
    }
  }
}

const EDGE = 1 << 14;
const WIDTH = 1 << 20;
const WHOLE = 2 ** 53 - 1;
const FLOAT = 3.4e38;
const DIM = 16;
const threads = integer(1, 1, 1024);
const floats = (length: number) => memory(() => new Float32Array(length).fill(0.5));
const images = floats(3 * FAKE_SIZE ** 2);

const bundle = await fakeTextBundle(join(folder, 'bundle'), 0);
const engineFile = join(bundle, 'vision/1/model.pt');
const three = (least: number) => [0, 1, 2].map(() => number(0.5, least, FLOAT));
const preprocessing = (size: number) => ({
  size: integer(size, 1, size),
  resample: choice('bicubic', 'bilinear', 'nearest', 'lanczos', 'box', 'hamming'),
  mean: three(-FLOAT),
  std: three(1e-37),
  resize: optional(integer(size + 8, size, WIDTH)),
  squash: optional(flag()),
  crop: optional(choice('floor', 'half-even')),
  rescale: optional(number(1 / 255, -FLOAT, FLOAT)),
});
const image = {
  data: memory(() => new Uint8Array(5 * 4 * 3)),
  width: integer(5, 5, 5),
  height: integer(4, 4, 4),
  channels: integer(3, 3, 3),
};
const capabilities = [integer(89, 0, 10_000)];

await attack('exchangeDirectories', native.exchangeDirectories, [string('none'), string('nor')]);
await attack('openEngine', native.openEngine, [string('/none.so'), [string('/nor.so')]]);
await attack('preprocess', native.preprocess, [image, preprocessing(8)]);
const takeTurn = (most: number) => {
  const turn = native.takeDecodeTurn(most);
  native.giveDecodeTurn();
  return turn;
};
await attack('takeDecodeTurn', takeTurn, [integer(3, 1, 1 << 20)]);
await expectRefusal('giveDecodeTurn without a turn', () => native.giveDecodeTurn());
await attack('deliver', native.deliver, [
  ...[rows(1, 4), flag(true), optional(floats(8)), integer(2, 0, WHOLE)],
]);
await attack('createVectors', native.createVectors, [
  choice('fp32', 'fp16', 'int8'),
  integer(DIM, 1, 65_536),
]);
await attack('openVectors', native.openVectors, [string('none'), flag()]);
await attack('similarity', native.similarity, [
  rows(DIM),
  rows(DIM, 2),
  integer(DIM, DIM, DIM),
  threads,
]);

mkdirSync('vectors');
const saved = native.createVectors('int8', DIM);
saved.add(new Float32Array(2 * DIM).fill(1));
const record = { first: integer(0, 0, 1), last: integer(1, 0, 2), note: string('{}') };
await saved.save('vectors/some', [{ first: 0, last: 2, note: '{}' }]);
const { vectors } = await native.openVectors('vectors/some', true);
await attack('add', vectors.add, [rows(DIM)]);
await attack('remove', vectors.remove, [memory(() => Uint32Array.of(0, 4_000_000_000))]);
await attack('search', vectors.search, [rows(DIM), integer(1, 1, 2 ** 32 - 1), threads]);
await attack('rank', vectors.rank, [
  ...[floats(DIM), integer(1, 1, 2 ** 32 - 1), threads, number(1, -1e9, 1e9)],
]);
await attack('append', vectors.append, [record]);
await attack('save', vectors.save, [string('vectors/some'), [record]]);
await expectRefusal('append without a file', () => saved.append({ first: 0, last: 1, note: '' }));
vectors.dispose();
for (const [name, call] of Object.entries({
  add: () => vectors.add(new Float32Array(DIM)),
  remove: () => vectors.remove(new Uint32Array(1)),
  search: () => vectors.search(new Float32Array(DIM), 1, 1),
  append: () => vectors.append({ first: 0, last: 0, note: '' }),
  save: () => vectors.save('vectors/other', []),
})) {
  await expectRefusal(`${name} after dispose`, call);
}
await outcome(() => vectors.sync());
vectors.memoryBytes();
vectors.dispose();

const engine = await native.openEngine(
  join(path, 'build', 'Release', 'llm2clip_torchscript.so'),
  [],
);
const tensor = {
  name: string('weight'),
  entry: {
    name: string('weight'),
    file: string('none'),
    dtype: string('f32'),
    shape: [integer(2, 0, WHOLE), integer(2, 0, WHOLE)],
    strides: [integer(2, 0, WHOLE / 32), integer(1, 0, WHOLE / 32)],
    offset: integer(0, 0, WHOLE),
  },
};
const layer = {
  name: string('weight'),
  quantised: flag(true),
  smoothing: optional(rows(1, 4), null),
};
const precision = choice('fp32', 'bf16', 'fp16', 'int8');
const width = integer(8, 1, WIDTH);
const epsilon = number(1e-5, 0, 1);
const positive = number(8, 1e-300, FLOAT);
const CONFIGS = {
  vision: {
    ...{ family: string('eva02'), imageSize: integer(8, 4, EDGE), patchSize: integer(4, 1, 8) },
    ...{ width: integer(8, 4, WIDTH), layers: width, heads: integer(2, 1, 4), hidden: width },
    ...{ embeddingDim: width, activation: string('gelu'), layerNormEps: epsilon },
    ropeGrid: integer(2, 0, EDGE),
  },
  llama: {
    ...{ family: string('llama'), vocabularySize: integer(16, 1, 1 << 24), width, layers: width },
    ...{ heads: integer(4, 2, 4), kvHeads: integer(2, 1, 2), headDim: width, hidden: width },
    ...{ rmsNormEps: epsilon, ropeTheta: positive, maxTokens: width },
    ropeScaling: {
      ...{ factor: positive, lowFreqFactor: positive, highFreqFactor: positive },
      originalPositions: positive,
    },
  },
  adapter: {
    ...{ family: string('adapter'), width, hidden: width, layers: integer(1, 0, WIDTH) },
    ...{ embeddingDim: width, normalizesInput: flag(), layerNormEps: epsilon },
  },
};
for (const [name, config] of Object.entries(CONFIGS)) {
  await attack(`build of ${name}`, engine.build, [
    {
      ...{ config, weights: [tensor], precision, portable: flag(), observe: flag() },
      ...{ quantisation: [layer], output: string('built'), maxBatch: integer(1, 1, 65_536) },
      ...{ computeCapabilities: capabilities, cache: string('') },
    },
  ]);
}
const imagesSpec = {
  ...{ file: string(engineFile), imageSize: integer(FAKE_SIZE, FAKE_SIZE, FAKE_SIZE), threads },
  pixels: images,
};
await attack('inspect', engine.inspect, [
  ...[string(engineFile), integer(FAKE_SIZE, 1, EDGE), string('cpu')],
]);
await attack('calibrate', engine.calibrate, [imagesSpec]);
await attack('layerEffects', engine.layerEffects, [imagesSpec, [layer]]);
await attack('embed', engine.embed, [imagesSpec]);
const textsSpec = {
  ...{ file: string(engineFile), maxTokens: integer(32, 3, WIDTH), threads },
  texts: [{ ids: memory(() => Int32Array.of(1, 2, 3)), pooled: integer(2, 1, 3) }],
};
await attack('embed texts', engine.embed, [textsSpec]);
await attack('profile', engine.profile, [imagesSpec, integer(1, 1, 1_000_000)]);
await attack('linearGflops', engine.linearGflops, [
  { rows: width, in: width, out: width, precision, threads, seconds: number(0, 0, 3600) },
]);

const common = {
  ...{ key: string(''), device: string('cpu'), computeCapabilities: capabilities, threads },
  ...{ maxQueue: integer(8, 1, 2 ** 30), maxDelayMs: number(0, 0, 2 ** 31 - 1) },
};
const part = {
  ...{ file: string(engineFile), cache: string(''), maxBatch: integer(2, 1, 65_536) },
  dim: integer(FAKE_DIM, 1, WIDTH),
};
const SESSIONS = {
  images: { vision: { ...part, preprocessing: preprocessing(FAKE_SIZE) } },
  texts: {
    llm: { ...part, maxTokens: integer(32, 1, WIDTH), maxTokensPerBatch: integer(64, 1, 2 ** 40) },
  },
  features: { adapter: { ...part, width: integer(FAKE_DIM, 1, WIDTH) } },
};
const INPUTS = {
  images: { pixels: { pixelValues: images }, image },
  texts: {
    text: { ids: memory(() => Int32Array.of(1, 2, 3)), pooled: integer(2, 1, 2 ** 30) },
  },
  features: { feature: { feature: floats(FAKE_DIM) } },
};
const encodeSpec = {
  ...{ borrowed: flag(true), priority: integer(0, -1e9, 1e9), waits: flag(), normalize: flag() },
  timeoutMs: optional(number(60_000, 0, 2 ** 31 - 1)),
  out: optional(floats(FAKE_DIM)),
  outOffset: integer(0, 0, WHOLE),
};
/** A session without an adapter gives features of texts. */
const encodeSpecOf = (kind: string) => ({
  ...encodeSpec,
  output:
    kind === 'texts' ? choice('feature', 'embedding') : optional(choice('embedding', 'feature')),
});
const patchesSpec = {
  ...encodeSpec,
  out: new Leaf(
    () => undefined,
    (x) => x === undefined,
  ),
  output: new Maybe({ layer: optional(integer(1, 0, WIDTH)), width: integer(4, 1, WIDTH) }),
};
let keys = 0;
let id = 0;
for (const [kind, input] of Object.entries(SESSIONS)) {
  const spec = { ...common, ...input };
  await attack(
    `open for ${kind}`,
    async (given: SessionSpec) => (await engine.open(given)).close(),
    [spec],
  );
  keys += 1;
  const session = await engine.open({
    ...(build(spec) as never as object),
    key: `${keys}`,
  } as never);
  const encode = (given: unknown, options: unknown) => {
    id += 1;
    const embedding = session.encode(id, given as never, options as never);
    session.wake();
    return embedding;
  };
  for (const [own, trees] of Object.entries(INPUTS)) {
    for (const [name, tree] of Object.entries(trees)) {
      const about = `encode of ${name} for ${kind}`;
      if (own === kind) {
        await attack(about, encode, [tree, encodeSpecOf(kind)]);
        await attack(`${about}, patches`, encode, [tree, patchesSpec]);
      } else await expectRefusal(about, () => encode(build(tree), build(encodeSpecOf(kind))));
    }
  }
  const [tree] = Object.values(INPUTS[kind as keyof typeof INPUTS]) as [Tree];
  for (const [what, make] of Object.entries(HOSTILE)) {
    if (typeof make() === 'number' && make() === 0) continue;
    if (make() === 2 ** 31) continue;
    const value = make() as never;
    await expectRefusal(`encode for ${kind}, id: ${what}`, () =>
      session.encode(value, build(tree) as never, build(encodeSpecOf(kind)) as never),
    );
    await expectRefusal(`cancel for ${kind}, id: ${what}`, () => session.cancel(value));
  }
  const twice = () => session.encode(1, build(tree) as never, build(encodeSpecOf(kind)) as never);
  const first = twice();
  await expectRefusal(`encode for ${kind} twice under one id`, twice);
  session.wake();
  await first;
  await session.close();
  await expectRefusal(`encode for ${kind} after close`, twice);
  await expectRefusal(`stats for ${kind} after close`, () => session.stats());
  session.wake();
  session.cancel(1);
  await session.close();
}
console.log(JSON.stringify({ cases, faults }));
