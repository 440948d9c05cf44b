// Tests row 9 of FAULTS.md: when the caller's memory is read, and how often it is copied.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import type { ImageInput, LLM2CLIP, RawPixels } from 'llm2clip';
import { FAKE_DIM, FAKE_SIZE, fakePackage, fakePixels } from './support/fake-engine.mts';
import { HeldModel } from './support/held-model.mts';
import { temporaryFolder } from './support/temporary.mts';

const folder = temporaryFolder();
fakePackage(join(folder, 'package'));
const image = fileURLToPath(new URL('./fixtures/images/china.jpg', import.meta.url));
const raw = { normalize: false };
const shape = [1, 3, FAKE_SIZE, FAKE_SIZE];
const LENGTH = 3 * FAKE_SIZE * FAKE_SIZE;
const INVALID = { name: 'RangeError', code: 'ERR_INVALID_BUFFER' };

let held: HeldModel;
let model: LLM2CLIP;
before(async () => {
  held = await HeldModel.load(folder, { maxBatch: 4 });
  held.gate.open();
  model = held.model;
});
after(() => held[Symbol.asyncDispose]());

type Bytes = ArrayBuffer | SharedArrayBuffer;
const floats = (buffer: Bytes = new ArrayBuffer(4 * LENGTH), first = 1) => {
  const pixelValues = new Float32Array(buffer, 0, LENGTH);
  pixelValues[0] = first;
  return { pixelValues, shape };
};
const grey = (buffer: Bytes = new ArrayBuffer(100), value = 200): RawPixels => {
  const data = new Uint8Array(buffer, 0, 100).fill(value);
  return { data, width: 10, height: 10, channels: 1 };
};
const detach = (buffer: ArrayBufferLike) => {
  structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
};
/** Makes a resizable buffer. Node 20 has them, but TypeScript's library of ES2022 does not. */
const resizable = (length: number) => {
  const Resizable = ArrayBuffer as unknown as new (
    length: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & { resize(length: number): void };
  return new Resizable(length, { maxByteLength: length });
};

const first = async (input: ImageInput, options = {}) => {
  const [number] = await model.encodeImage(input, { ...raw, ...options });
  return number;
};

/**
 * Fills the engine and the next batch, so that the inputs which `body` submits in its first turn
 * are prepared later.
 */
async function whileFull(body: () => Promise<void>): Promise<void> {
  held.gate.hold();
  await held.occupy();
  const forming = [1, 2, 3, 4].map((i) => model.encodeImage(fakePixels(i), raw));
  await held.waitFor({ inBatches: 5 });
  const done = body();
  held.gate.open();
  await Promise.all([done, ...forming]);
}

describe('memory that is detached or written to during a call', () => {
  // The first number of the embedding shows which pixels were read.
  let expectedGrey: number;
  before(async () => {
    expectedGrey = (await first(grey())) as number;
  });

  const inputs: Record<string, (buffer: ArrayBuffer) => ImageInput> = {
    'preprocessed pixels': (buffer) => floats(buffer),
    'raw pixels': (buffer) => grey(buffer),
  };
  const meanwhile: Record<string, (buffer: ReturnType<typeof resizable>) => void> = {
    'written to': (buffer) => new Uint8Array(buffer).fill(77),
    transferred: detach,
    resized: (buffer) => buffer.resize(0),
  };
  for (const [kind, make] of Object.entries(inputs)) {
    for (const [what, change] of Object.entries(meanwhile)) {
      for (const busy of [false, true]) {
        test(`${kind}, ${what}, engine ${busy ? 'full' : 'free'}`, async () => {
          const ask = async () => {
            const buffer = resizable(4 * LENGTH);
            const pending = first(make(buffer));
            change(buffer);
            assert.equal(await pending, kind === 'raw pixels' ? expectedGrey : 1);
          };
          await (busy ? whileFull(ask) : ask());
        });
      }
    }
  }

  test('encoded bytes', async () => {
    const expected = await first(image);
    for (const change of Object.values(meanwhile)) {
      const file = readFileSync(image);
      const buffer = resizable(file.length);
      new Uint8Array(buffer).set(file);
      const pending = first(buffer);
      change(buffer);
      assert.equal(await pending, expected);
    }
  });
});

describe('memory that cannot be used', () => {
  const detached = new ArrayBuffer(4 * LENGTH);
  const [goneFloats, goneBytes] = [new Float32Array(detached), new Uint8Array(detached)];
  const shrunk = resizable(4 * LENGTH);
  const [cutFloats, cutBytes] = [
    new Float32Array(shrunk, 0, LENGTH),
    new Uint8Array(shrunk, 0, 100),
  ];
  detach(detached);
  shrunk.resize(50);
  const cases: Record<string, ImageInput> = {
    'detached floats': { pixelValues: goneFloats, shape },
    'floats beyond a shrunken buffer': { pixelValues: cutFloats, shape },
    'no floats': { pixelValues: new Float32Array(0), shape },
    'a float too many': { pixelValues: new Float32Array(LENGTH + 1), shape },
    'floats of another size than the engine’s': {
      pixelValues: new Float32Array(3 * 4),
      shape: [1, 3, 2, 2],
    },
    'shared floats, one too few': {
      pixelValues: new Float32Array(new SharedArrayBuffer(4 * (LENGTH - 1))),
      shape,
    },
    'detached raw pixels': { data: goneBytes, width: 10, height: 10, channels: 1 },
    'raw pixels beyond a shrunken buffer': { data: cutBytes, width: 10, height: 10, channels: 1 },
    'no raw pixels': { data: new Uint8Array(0), width: 10, height: 10, channels: 1 },
    'detached encoded bytes': goneBytes,
    'a detached ArrayBuffer': detached,
    'encoded bytes beyond a shrunken buffer': cutBytes,
  };
  for (const [name, input] of Object.entries(cases)) {
    test(name, async () => {
      await assert.rejects(model.encodeImage(input), INVALID);
      await assert.rejects(model.encodeImage(input, { transfer: true }), INVALID);
      assert.equal(await first(floats()), 1, 'the next one is right');
    });
  }

  test('an empty file is refused', async () => {
    await assert.rejects(model.encodeImage(new ArrayBuffer(0)), { code: 'ERR_IMAGE_CORRUPT' });
  });

  test('other kinds of views are refused', async () => {
    const data = new Int8Array(100) as unknown as Uint8Array;
    const pixelValues = new Float64Array(LENGTH);
    for (const input of [
      { data, width: 10, height: 10, channels: 1 as const },
      { pixelValues, shape },
      new DataView(new ArrayBuffer(9)) as unknown as Uint8Array,
    ]) {
      await assert.rejects(model.encodeImage(input), {
        name: 'TypeError',
        code: 'ERR_INVALID_ARG',
      });
    }
  });
});

describe('transfer', () => {
  test("transfers the memory and detaches the caller's view", async () => {
    await whileFull(async () => {
      const [a, b] = [floats(), grey()];
      const pending = [first(a, { transfer: true }), first(b, { transfer: true })];
      assert.equal(a.pixelValues.byteLength, 0);
      assert.equal(b.data.byteLength, 0);
      assert.equal(await pending[0], 1);
      assert.equal(await pending[1], await first(grey()));
    });
    const bytes = new Uint8Array(readFileSync(image));
    const pending = first(bytes, { transfer: true });
    assert.equal(bytes.byteLength, 0);
    assert.equal(await pending, await first(image));
  });

  test('memory that cannot be transferred is refused and stays intact', async () => {
    const pooled = Buffer.from('a pooled Buffer');
    const wasm: ArrayBuffer = vm.runInThisContext('new WebAssembly.Memory({ initial: 1 }).buffer');
    for (const input of [pooled, wasm, grey(wasm)]) {
      await assert.rejects(model.encodeImage(input, { transfer: true }), INVALID);
    }
    assert.equal(pooled.toString(), 'a pooled Buffer');
    assert.equal(wasm.byteLength, 65_536);
  });

  test('shared memory is read in place and stays intact', async () => {
    const shared = floats(new SharedArrayBuffer(4 * LENGTH), 5);
    assert.equal(await first(shared, { transfer: true }), 5);
    assert.equal(shared.pixelValues[0], 5);
  });
});

test('shared memory is read when its batch is made', async () => {
  await whileFull(async () => {
    const shared = floats(new SharedArrayBuffer(4 * LENGTH), 5);
    const pending = first(shared);
    shared.pixelValues[0] = 6;
    assert.equal(await pending, 6);
  });
});

test('float16, as bits or as an array, gives the same result as float32', async () => {
  const halves: [number, number][] = [
    [0x0000, 0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x3555, 0.333251953125],
    [0x7bff, 65_504],
    [0x0001, 2 ** -24],
    [0x83ff, -1023 * 2 ** -24],
  ];
  const { Float16Array: Halves } = globalThis as {
    Float16Array?: new (
      buffer: ArrayBuffer,
    ) => ArrayBufferView; // Node has it since version 24.
  };
  for (const [bits, number] of halves) {
    const pixelValues = new Uint16Array(LENGTH).fill(bits);
    assert.equal(await first({ pixelValues, shape }), number);
    if (Halves !== undefined) {
      assert.equal(await first({ pixelValues: new Halves(pixelValues.buffer), shape }), number);
    }
    assert.equal(await first({ pixelValues, shape }, { transfer: true }), number);
  }
});

test('an object that only claims to be a Float16Array is refused', async () => {
  const pixelValues = new DataView(new ArrayBuffer(2 * LENGTH));
  Object.defineProperty(pixelValues, Symbol.toStringTag, { value: 'Float16Array' });
  await assert.rejects(model.encodeImage({ pixelValues, shape }), { code: 'ERR_INVALID_ARG' });
});

test('arrays of another realm', async () => {
  const realm = vm.createContext();
  const [values, out] = vm.runInContext(
    `[new Float32Array(${LENGTH}).fill(3), new Float32Array(${FAKE_DIM})]`,
    realm,
  );
  assert.equal(await model.encodeImage({ pixelValues: values, shape }, { ...raw, out }), out);
  assert.equal(out[0], 3);
});

describe('out', () => {
  test('detached before the embedding is written', async () => {
    for (const take of [detach, (buffer: ReturnType<typeof resizable>) => buffer.resize(4)]) {
      const buffer = resizable(4 * FAKE_DIM);
      const out = new Float32Array(buffer, 0, FAKE_DIM);
      const pending = model.encodeImage(floats(), { out });
      take(buffer);
      await assert.rejects(pending, INVALID);
      const all = resizable(4 * FAKE_DIM * 2);
      const collected = model.encodeImages([floats(), floats()], {
        out: new Float32Array(all, 0, 2 * FAKE_DIM),
        onError: 'collect',
      });
      take(all);
      await assert.rejects(collected, INVALID);
    }
  });

  test('already detached, or too small', async () => {
    const out = new Float32Array(FAKE_DIM);
    detach(out.buffer);
    for (const bad of [out, new Float32Array(FAKE_DIM - 1)]) {
      await assert.rejects(model.encodeImage(floats(), { out: bad }), INVALID);
      await assert.rejects(model.encodeImages([floats()], { out: bad }), INVALID);
    }
  });

  test('in shared memory, or in the middle of a buffer', async () => {
    const shared = new Float32Array(new SharedArrayBuffer(4 * FAKE_DIM));
    assert.equal(await model.encodeImage(floats(undefined, 9), { ...raw, out: shared }), shared);
    assert.equal(shared[0], 9);
    const whole = new Float32Array(FAKE_DIM + 2);
    await model.encodeImage(floats(undefined, 9), { ...raw, out: whole.subarray(1, 1 + FAKE_DIM) });
    assert.deepEqual([whole[0], whole[1], whole[FAKE_DIM + 1]], [0, 9, 0]);
  });

  test('overlapping its own image: the image is read first', async () => {
    const { pixelValues } = floats(undefined, 4);
    const out = pixelValues.subarray(0, FAKE_DIM);
    await whileFull(async () => {
      assert.equal(await first({ pixelValues, shape }, { out }), 4);
    });
  });

  test('overlapping images of an array is refused', async () => {
    const memory = new ArrayBuffer(4 * (LENGTH + FAKE_DIM));
    const inside = { out: new Float32Array(memory, 0, FAKE_DIM), ...raw };
    const beyond = { out: new Float32Array(memory, 4 * LENGTH, FAKE_DIM), ...raw };
    for (const input of [floats(memory, 2), grey(memory), memory, new Uint8Array(memory)]) {
      await assert.rejects(model.encodeImages([input], inside), INVALID);
    }
    const { data } = await model.encodeImages([floats(memory, 2)], beyond);
    assert.equal(data[0], 2);
  });

  test('the rows of a call for many are in one array', async () => {
    const { data, row } = await model.encodeImages(
      [1, 2, 3].map((i) => floats(undefined, i)),
      raw,
    );
    assert.deepEqual(
      [0, 1, 2].map((i) => [row(i)[0], row(i).buffer === data.buffer]),
      [
        [1, true],
        [2, true],
        [3, true],
      ],
    );
  });
});

describe('copies, as README counts them', () => {
  const file = new Uint8Array(readFileSync(image));
  const halves = () => ({ pixelValues: new Uint16Array(LENGTH), shape });
  let copied: () => { count: number; bytes: number };
  beforeEach(() => {
    const { count, bytes } = model.stats().copies.input;
    copied = () => {
      const now = model.stats().copies.input;
      return { count: now.count - count, bytes: now.bytes - bytes };
    };
  });

  const cases: [string, () => ImageInput, object, number, number][] = [
    ['path', () => image, {}, 0, 0],
    ['encoded bytes', () => file, {}, 1, file.length],
    ['encoded bytes, transferred', () => file.slice(), { transfer: true }, 0, 0],
    ['raw pixels', grey, {}, 1, 100],
    ['raw pixels, transferred', grey, { transfer: true }, 0, 0],
    ['raw pixels, shared', () => grey(new SharedArrayBuffer(100)), {}, 0, 0],
    ['float32', floats, {}, 1, 4 * LENGTH],
    ['float32, transferred', floats, { transfer: true }, 1, 4 * LENGTH],
    ['float32, shared', () => floats(new SharedArrayBuffer(4 * LENGTH)), {}, 1, 4 * LENGTH],
    ['float16', halves, {}, 2, 4 * LENGTH],
    ['float16, transferred', halves, { transfer: true }, 1, 2 * LENGTH],
  ];
  for (const [name, make, options, count, bytes] of cases) {
    test(name, async () => {
      const { output } = model.stats().copies;
      await model.encodeImage(make(), options);
      assert.deepEqual(copied(), { count, bytes });
      assert.deepEqual(model.stats().copies.output, {
        count: output.count + 1,
        bytes: output.bytes + 4 * FAKE_DIM,
      });
    });
  }

  test('float32 while the batch that is being made is full', async () => {
    await whileFull(async () => {
      await model.encodeImage(floats());
    });
    // One copy of each of the five other inputs.
    assert.deepEqual(copied(), { count: 5 + 2, bytes: 4 * LENGTH * (5 + 2) });
  });
});
