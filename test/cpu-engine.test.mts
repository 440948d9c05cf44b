// Tests what only the cpu engine promises: a file that other tools read, weights that processes
// share, no libraries, and files that change while they are open. Its numbers are tested with those
// of the other engines; csrc/tests/cpu_engine_test.cpp tests damaged files.
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { cp, open, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { convert, LLM2CLIP } from 'llm2clip';
import { decodeFloats } from '#lib/checkpoint/floats';
import { readCheckpoint } from '#lib/checkpoint/read';
import type { TensorEntry } from '#lib/checkpoint/table';
import { syntheticCheckpoint } from './support/checkpoints.mts';
import { CHECKPOINT, digits, LLM } from './support/digits.mts';
import { temporaryFolder } from './support/temporary.mts';

const PROGRAM = fileURLToPath(new URL('./support/embed-and-wait.mjs', import.meta.url));
const ENGINE_FILE = 'vision/1/model.safetensors';
const PANEL = 64;

const folder = temporaryFolder();
const [image = '', ...images] = digits('heldout');
const engine = { engine: 'cpu' } as const;
let bundle: string;
let another: string;
before(async () => {
  bundle = join(folder, 'bundle');
  another = join(folder, 'another');
  await convert(CHECKPOINT, { out: bundle, llm: LLM, precision: 'fp32', ...engine });
  await convert(CHECKPOINT, { out: another, precision: 'fp16', ...engine });
});

async function copy(name: string): Promise<string> {
  const out = join(folder, name);
  await cp(bundle, out, { recursive: true });
  return out;
}

describe('the engine file', () => {
  const bytesOf = async ({ file, offset, shape }: TensorEntry) => {
    const size = 4 * shape.reduce((product, one) => product * one, 1);
    return (await readFile(file)).subarray(offset, offset + size);
  };
  const numbersOf = async (entry: TensorEntry) => decodeFloats(entry, await bytesOf(entry));

  test('is a safetensors file with the names and the numbers of the checkpoint', async () => {
    const path = await syntheticCheckpoint({
      ...{ preset: 'eva02-tiny', layout: 'timm', format: 'safetensors', dtype: 'f32', seed: 7 },
    } as const);
    const out = join(folder, 'listed');
    await convert(path, { out, precision: 'fp32', ...engine });
    const byName = async (file: string) =>
      new Map((await readCheckpoint(file)).tensors.map((entry) => [entry.name, entry]));
    const expected = await byName(path);
    const found = await byName(join(out, ENGINE_FILE));

    const norm = 'blocks.1.norm2.weight';
    const [one, other] = [found.get(norm), expected.get(norm)];
    assert.ok(one !== undefined && other !== undefined);
    assert.deepEqual(await numbersOf(one), await numbersOf(other));

    // A linear layer lies in panels: [panels, in, 64, 1].
    const linear = 'blocks.0.attn.proj.weight';
    const [packed, rows] = [found.get(linear), expected.get(linear)];
    assert.ok(packed !== undefined && rows !== undefined);
    const [out_ = 0, in_ = 0] = rows.shape;
    assert.deepEqual(packed.shape, [Math.ceil(out_ / PANEL), in_, PANEL, 1]);
    const [panels, weight] = [await numbersOf(packed), await numbersOf(rows)];
    for (let row = 0; row < out_; row++) {
      for (let i = 0; i < in_; i++) {
        const at = (Math.floor(row / PANEL) * in_ + i) * PANEL + (row % PANEL);
        assert.equal(panels[at], weight[row * in_ + i]);
      }
    }
  });

  test('holds the plan as text', async () => {
    const file = await readFile(join(bundle, ENGINE_FILE));
    const header = JSON.parse(file.toString('utf8', 8, 8 + Number(file.readBigUInt64LE())));
    const { format, plan } = header.__metadata__;
    assert.equal(format, 'llm2clip-cpu-1');
    assert.match(plan, /^input image 3 3 \d+ \d+\nprecision fp32\n/);
    assert.match(plan, /\nattention( \d+)+\n/);
  });

  test('of a newer version is refused before it is opened', async () => {
    const out = await copy('newer');
    const path = join(out, 'llm2clip.json');
    const manifest = JSON.parse(await readFile(path, 'utf8'));
    manifest.engine.operators += 1;
    await writeFile(path, JSON.stringify(manifest));
    await assert.rejects(LLM2CLIP.load(out), {
      code: 'ERR_ENGINE_INCOMPATIBLE',
      message: /steps of version/,
    });
  });

  test('of another engine is refused', async () => {
    const out = join(folder, 'foreign');
    const manifest = await convert(CHECKPOINT, { out, precision: 'fp32', ...engine });
    assert.equal(manifest.engine.kind, 'cpu');
    const { loadNative } = await import('#lib/native');
    const wrong = loadNative().cpuEngine().inspect(CHECKPOINT, 16, 'cpu');
    await assert.rejects(wrong, { code: 'ERR_ENGINE_INCOMPATIBLE' });
  });
});

test('a GPU is refused, with the engines that have one', async () => {
  await assert.rejects(LLM2CLIP.load(bundle, { device: 'cuda' }), {
    code: 'ERR_DEVICE_UNAVAILABLE',
    message: /torchscript or tensorrt/,
  });
});

/** A process that has embedded images, and answers questions about its memory. */
class Process {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(path: string, env: NodeJS.ProcessEnv = process.env) {
    this.#child = spawn(process.execPath, [PROGRAM, path, image, ...images.slice(0, 8)], { env });
    this.#child.stderr.pipe(process.stderr);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async line() {
    const { value } = await this.#lines.next();
    return JSON.parse(value ?? '{}');
  }

  async mapping() {
    this.#child.stdin.write('\n');
    return this.line();
  }

  end(): void {
    this.#child.stdin.end();
  }
}

test('runs without libtorch', async () => {
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  const env = { ...process.env, LLM2CLIP_LIBTORCH: empty, LLM2CLIP_CACHE: empty };
  const child = new Process(bundle, env);
  const { embedding, libraries } = await child.line();
  child.end();
  assert.deepEqual(libraries, []);
  await using model = await LLM2CLIP.load(bundle, { threads: 2 });
  assert.deepEqual(embedding, [...(await model.encodeImage(image))]);
});

test('processes share the weights of a bundle, which nobody changes', async () => {
  const processes = [1, 2, 3, 4].map(() => new Process(bundle));
  try {
    for (const one of processes) assert.ok((await one.line()).embedding.length > 0);
    for (const one of processes) {
      const { permissions, resident, share, dirty } = await one.mapping();
      assert.equal(permissions, 'r--s');
      assert.ok(resident > 0 && share <= resident / 3, `${share} of ${resident} kB`);
      assert.equal(dirty, 0);
    }
  } finally {
    for (const one of processes) one.end();
  }
});

describe('a file that changes while a model has it open', () => {
  const CHANGES: Record<string, (path: string) => Promise<unknown>> = {
    'is cut to nothing': (path) => truncate(path, 0),
    'is cut within its weights': (path) => truncate(path, 8192),
    'is overwritten': async (path) => {
      const file = await open(path, 'r+');
      await file.write(Buffer.alloc(4096, 0x3f), 0, 4096, 65_536);
      await file.close();
    },
  };
  for (const [what, change] of Object.entries(CHANGES)) {
    test(`${what}: requests end with ERR_IO, and other models go on`, async () => {
      const out = await copy(what.replaceAll(' ', '-'));
      await using model = await LLM2CLIP.load(out, { threads: 2 });
      // Bundles with the same content would share one engine, whose file changes.
      await using other = await LLM2CLIP.load(another, { threads: 2 });
      const expected = await other.encodeImage(image);
      await model.encodeImage(image);
      await change(join(out, ENGINE_FILE));
      for (let i = 0; i < 2; i++) {
        await assert.rejects(model.encodeImage(image), { code: 'ERR_IO' });
      }
      await assert.rejects(model.encodeImages([image, ...images.slice(0, 20)]), { code: 'ERR_IO' });
      assert.deepEqual(await other.encodeImage(image), expected);
    });
  }

  test('a language model, too', async () => {
    const out = await copy('texts');
    await using model = await LLM2CLIP.load(out, { threads: 2 });
    await model.encodeText('a photo of the digit seven');
    await truncate(join(out, 'llm/1/model.safetensors'), 4096);
    await assert.rejects(model.encodeText('a photo of the digit eight'), { code: 'ERR_IO' });
  });

  test('is replaced by another bundle: the model goes on with the old one', async () => {
    const out = await copy('replaced');
    await using model = await LLM2CLIP.load(out, { threads: 2 });
    const expected = await model.encodeImage(image);
    await convert(CHECKPOINT, { out, precision: 'bf16', force: true, ...engine });
    assert.deepEqual(await model.encodeImage(image), expected);
  });
});
