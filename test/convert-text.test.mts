// Tests what `convert` makes from a language model's folder, and what it refuses.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { type ConvertProgress, LLM2CLIP } from 'llm2clip';
import { encodeFloats } from '#lib/checkpoint/floats';
import { readCheckpoint } from '#lib/checkpoint/read';
import { adapterConfig, adapterTensors } from '../tools/synthetic/text-towers.mts';
import { Random } from './fuzz/random.mts';
import { rejectsWith } from './support/checkpoint-errors.mts';
import { llm2clip, MAIN } from './support/cli.mts';
import { convertModel } from './support/device.mts';
import { IMAGES } from './support/digits.mts';
import { llamaTokenizer } from './support/llama-tokenizer.mts';
import { writeSafetensors } from './support/safetensors-writer.mts';
import { temporaryFolder } from './support/temporary.mts';
import type { TensorData } from './support/tensor-data.mts';
import { tensorValues } from './support/tensor-values.mts';
import { WHOLE, wholeCheckpoint } from './support/text-bundle.mts';
import { cosine } from './support/vectors.mts';

const folder = temporaryFolder();
/** The bundle of the checkpoint and the language model. */
const bundle = join(folder, 'bundle');
let checkpoint: string;
let llm: string;
let made = 0;
/** The progress reported while the bundle was made. */
const told: ConvertProgress[] = [];
before(async () => {
  ({ checkpoint, llm } = await wholeCheckpoint(join(folder, 'whole')));
  await convertModel(checkpoint, {
    out: bundle,
    llm,
    onProgress: (progress) => told.push(progress),
  });
});

const fresh = (): string => join(folder, String(made++));

/** Copies a folder. */
function copyOf(path: string): string {
  const copy = fresh();
  cpSync(path, copy, { recursive: true });
  return copy;
}

async function featureOf(model: string, lora?: string): Promise<Float32Array> {
  const out = fresh();
  const options = { precision: 'fp32', parts: ['llm'], ...(lora && { lora }) } as const;
  await convertModel(checkpoint, { ...options, out, llm: model });
  await using loaded = await LLM2CLIP.load(out);
  return await loaded.encodeText('a photo of a dog', { output: 'feature' });
}

describe('--lora', () => {
  const RANK = 2;
  const LAYERS = [0, 1, 2].map((i) => `layers.${i}.self_attn.q_proj`);
  const SHAPE = { out: 64, in: 64 };
  const random = new Random(7);
  const numbers = (count: number) =>
    Float32Array.from({ length: count }, () => (random.below(200) - 100) / 400);
  const [a, b] = [numbers(RANK * SHAPE.in), numbers(SHAPE.out * RANK)];

  function writeLora(): string {
    const lora = fresh();
    mkdirSync(lora);
    const half = (name: string, shape: number[], values: Float32Array): TensorData => {
      const path = `base_model.model.model.${name}.weight`;
      return { name: path, dtype: 'f32', shape, data: encodeFloats(values, 'f32') };
    };
    const tensors = LAYERS.flatMap((layer) => [
      half(`${layer}.lora_A`, [RANK, SHAPE.in], a),
      half(`${layer}.lora_B`, [SHAPE.out, RANK], b),
    ]);
    writeSafetensors(join(lora, 'adapter_model.safetensors'), tensors);
    const config = {
      peft_type: 'LORA',
      r: RANK,
      lora_alpha: 2 * RANK,
      target_modules: ['q_proj'],
    };
    writeFileSync(join(lora, 'adapter_config.json'), JSON.stringify(config));
    return lora;
  }

  /** Writes the same model with each weight replaced by weight + 2 · b · a. */
  async function writeMerged(): Promise<string> {
    const merged = copyOf(llm);
    const { tensors } = await readCheckpoint(llm);
    const written = tensors.map((entry): TensorData => {
      const values = Float32Array.from(tensorValues(entry));
      if (LAYERS.some((layer) => entry.name === `model.${layer}.weight`)) {
        for (let i = 0; i < SHAPE.out; i++) {
          for (let j = 0; j < SHAPE.in; j++) {
            for (let k = 0; k < RANK; k++) {
              const product = (b[i * RANK + k] as number) * (a[k * SHAPE.in + j] as number);
              values[i * SHAPE.in + j] = (values[i * SHAPE.in + j] as number) + 2 * product;
            }
          }
        }
      }
      const { name, shape } = entry;
      return { name, dtype: 'f32', shape: [...shape], data: encodeFloats(values, 'f32') };
    });
    writeSafetensors(join(merged, 'model.safetensors'), written);
    return merged;
  }

  test('is merged into the language model', async () => {
    const [plain, found, expected] = [
      await featureOf(llm),
      await featureOf(llm, writeLora()),
      await featureOf(await writeMerged()),
    ];
    assert.ok(cosine(found, expected) > 0.99999);
    assert.ok(cosine(found, plain) < 0.999, 'the LoRA changes something');
  });

  test('leaves no merged weights in the bundle', async () => {
    const out = fresh();
    await convertModel(checkpoint, { out, llm, lora: writeLora() });
    assert.deepEqual((await readdir(out)).sort(), ['adapter', 'llm', 'llm2clip.json', 'vision']);
  });

  test('without a language model, or for another one', async () => {
    const lora = writeLora();
    const none = convertModel(checkpoint, { out: fresh(), lora });
    await rejectsWith(none, 'ERR_CHECKPOINT_MISMATCH', /no language model .* --llm/);
    const config = join(lora, 'adapter_config.json');
    writeFileSync(config, readFileSync(config, 'utf8').replaceAll('q_proj', 'k_proj'));
    const other = convertModel(checkpoint, { out: fresh(), llm, lora });
    await rejectsWith(other, 'ERR_CHECKPOINT_MISMATCH', /LoRA/);
  });
});

describe('parts that do not fit', () => {
  /** Writes a checkpoint that holds only a text adapter. */
  function writeAdapter(width: number, embeddingDim: number): string {
    const path = `${fresh()}.safetensors`;
    const tensors = adapterTensors(adapterConfig(width, embeddingDim, true));
    writeSafetensors(
      path,
      tensors.map(({ name, shape }) => {
        const count = shape.reduce((product, size) => product * size, 1);
        const data = Buffer.alloc(4 * count);
        return { name: `text.text_adaptor.${name}`, dtype: 'f32', shape, data };
      }),
    );
    return path;
  }

  test('an adapter of another language model', async () => {
    const adapter = writeAdapter(32, WHOLE.embeddingDim);
    const converting = convertModel(adapter, { out: fresh(), llm });
    await rejectsWith(converting, 'ERR_CHECKPOINT_MISMATCH', /width 32 .* one of 64/);
  });

  test('an adapter alone is a bundle', async () => {
    const out = fresh();
    const manifest = await convertModel(writeAdapter(32, 16), { out });
    assert.deepEqual(Object.keys(manifest.parts), ['adapter']);
    await using model = await LLM2CLIP.load(out);
    const { shape } = await model.encodeTextFeatures(new Float32Array(3 * 32));
    assert.deepEqual(shape, [3, 16]);
  });

  test('a language model in the place of a checkpoint with --llm', async () => {
    const converting = convertModel(llm, { out: fresh(), llm });
    await rejectsWith(converting, 'ERR_CHECKPOINT_MISMATCH', /is a language model itself/);
  });

  test('a damaged adapter, unless it is not requested', async () => {
    const { tensors } = await readCheckpoint(checkpoint);
    const path = `${fresh()}.safetensors`;
    const kept = tensors.filter(({ name }) => name !== 'text.text_adaptor.2.fn.0.weight');
    writeSafetensors(
      path,
      kept.map((entry) => {
        const data = encodeFloats(Float32Array.from(tensorValues(entry)), 'f32');
        return { name: entry.name, dtype: 'f32', shape: [...entry.shape], data };
      }),
    );
    const converting = convertModel(path, { out: fresh() });
    await rejectsWith(converting, 'ERR_CHECKPOINT_MISMATCH', /2\.fn\.0.*--parts vision/);
    await convertModel(path, { out: fresh(), parts: ['vision'] });
  });

  test('a folder without a tokenizer, with a different one, or with one that has more tokens', async () => {
    const copy = copyOf(llm);
    const file = join(copy, 'tokenizer.json');
    const converting = () => convertModel(checkpoint, { out: fresh(), llm: copy });
    copyFileSync(join(await llamaTokenizer(), 'tokenizer.json'), file);
    await rejectsWith(converting(), 'ERR_CHECKPOINT_MISMATCH', /at most 700 tokens/);
    await truncate(file, 100);
    await rejectsWith(converting(), 'ERR_CHECKPOINT_FORMAT', /tokenizer\.json/);
    rmSync(file);
    await rejectsWith(converting(), 'ERR_NOT_FOUND', /tokenizer\.json/);
    rmSync(join(copy, 'config.json'));
    await rejectsWith(converting(), 'ERR_NOT_FOUND', /config\.json/);
  });

  test('int8 without a vision tower', async () => {
    const int8 = { precision: 'int8', calibrate: IMAGES } as const;
    await assert.rejects(convertModel(checkpoint, { out: fresh(), llm, parts: ['llm'], ...int8 }), {
      name: 'RangeError',
      code: 'ERR_INVALID_ARG',
      message: /vision tower/,
    });
  });

  test('leaves no bundle behind', async () => {
    const out = join(fresh(), 'out');
    mkdirSync(join(out, '..'));
    await assert.rejects(convertModel(writeAdapter(32, WHOLE.embeddingDim), { out, llm }));
    assert.deepEqual(await readdir(join(out, '..')), []);
  });
});

/** Returns a copy of the bundle with another manifest. */
function changed(change: (manifest: Record<string, unknown>) => void): string {
  const out = copyOf(bundle);
  const file = join(out, 'llm2clip.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  change(manifest);
  writeFileSync(file, JSON.stringify(manifest));
  return out;
}

describe('a damaged bundle', () => {
  test('a tokenizer that is not the one of the manifest', async () => {
    const out = copyOf(bundle);
    const file = join(out, 'llm/tokenizer.json');
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    writeFileSync(file, bytes);
    await rejectsWith(LLM2CLIP.load(out), 'ERR_BUNDLE_INVALID', /tokenizer\.json/);
    await using model = await LLM2CLIP.load(out, { parts: ['vision'] });
    assert.deepEqual(model.info.parts, ['vision']);
  });

  const DAMAGES: Record<string, (manifest: Record<string, unknown>) => void> = {
    'no parts': (manifest) => Object.assign(manifest, { parts: {} }),
    'a part that is not described': (manifest) => Object.assign(manifest, { text: {} }),
    'parts that do not fit each other': ({ text }) => {
      (text as { llm: { model: { width: number } } }).llm.model.width = 128;
    },
    'texts of a million tokens': ({ text }) => {
      (text as { llm: { model: { maxTokens: number } } }).llm.model.maxTokens = 1e6;
    },
    'no width of a head': ({ text }) => {
      delete (text as { llm: { model: { headDim?: number } } }).llm.model.headDim;
    },
    'no tokenizer': ({ files }) => {
      delete (files as Record<string, unknown>)['llm/tokenizer.json'];
    },
  };
  for (const [name, damage] of Object.entries(DAMAGES)) {
    test(name, async () => {
      await assert.rejects(LLM2CLIP.load(changed(damage)), { code: 'ERR_BUNDLE_INVALID' });
    });
  }
});

test('a bundle that was made when headDim was called headWidth loads', async () => {
  const out = changed(({ text }) => {
    const { model } = (text as { llm: { model: { headDim?: number; headWidth?: number } } }).llm;
    model.headWidth = model.headDim as number;
    delete model.headDim;
  });
  await using model = await LLM2CLIP.load(out, { parts: ['llm', 'adapter'] });
  assert.deepEqual(model.info.parts, ['adapter', 'llm']);
});

test('progress never decreases, part by part', async () => {
  const fractions = told.map(({ fraction }) => fraction);
  assert.deepEqual(
    fractions,
    fractions.toSorted((x, y) => x - y),
  );
  assert.deepEqual(
    told.flatMap(({ part }) => part ?? []),
    ['vision', 'adapter', 'llm'],
  );
  await assert.rejects(convertModel(checkpoint, { out: fresh(), llm, onProgress: 7 as never }), {
    name: 'TypeError',
    code: 'ERR_INVALID_ARG',
    message: /a function for options\.onProgress/,
  });
});

describe('the command', () => {
  test('converts, reports the result, and encodes texts from arguments and files', async () => {
    const out = fresh();
    const converted = await llm2clip('convert', checkpoint, '--llm', llm, '--out', out);
    assert.equal(converted.code, 0, converted.stderr);
    assert.match(converted.stdout, /eva02 56 px → 64, language model 3 layers × 64, text adapter/);
    const inspected = await llm2clip('inspect', out);
    assert.match(inspected.stdout, /parts +eva02 56 px/);

    await using model = await LLM2CLIP.load(out);
    const lines = `${fresh()}.txt`;
    writeFileSync(lines, 'a red car\n\n[a dog]\r\n');
    const array = `${fresh()}.json`;
    writeFileSync(array, JSON.stringify(['a red car', 'two\nlines']));
    const CASES: [args: string[], texts: string[]][] = [
      [['a red car'], ['a red car']],
      [
        ['a cat', '--file', lines],
        ['a cat', 'a red car', '', '[a dog]'],
      ],
      [
        ['--file', array],
        ['a red car', 'two\nlines'],
      ],
    ];
    for (const [args, texts] of CASES) {
      const found = await llm2clip('encode-text', out, ...args, '--json');
      assert.equal(found.code, 0, found.stderr);
      const rows = found.json() as { text: string; embedding: number[] }[];
      assert.deepEqual(
        rows.map(({ text }) => text),
        texts,
      );
      for (const { text, embedding } of rows) {
        assert.ok(cosine(embedding, await model.encodeText(text)) > 0.9999);
      }
    }
  });

  test('encode-text --out, and wrong usage', async () => {
    const file = `${fresh()}.npy`;
    assert.equal((await llm2clip('encode-text', bundle, 'a cat', 'a dog', '--out', file)).code, 0);
    assert.match(readFileSync(file, 'latin1'), /'shape': \(2, 64\)/);
    assert.equal((await llm2clip('encode-text', bundle)).code, 2);
    const missing = await llm2clip('encode-text', bundle, '--file', '/nowhere.txt');
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /ERR_NOT_FOUND/);
    const vision = fresh();
    await convertModel(checkpoint, { out: vision, parts: ['vision'] });
    const refused = await llm2clip('encode-text', vision, 'a cat', '--json');
    assert.equal(refused.code, 1);
    assert.match(refused.stdout, /ERR_ENGINE_INCOMPATIBLE/);
  });

  test('encode-text ends at once with Ctrl-C, and leaves no file', async () => {
    const [texts, out] = [fresh(), `${fresh()}.npy`];
    const long = 'a photo of the red car '.repeat(90);
    writeFileSync(texts, Array.from({ length: 6000 }, (_, i) => `${i} ${long}`).join('\n'));
    const args = [MAIN, 'encode-text', bundle, '--file', texts, '--out', out, '--json'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (lines: string) => {
      // One text has been encoded, and the others take long. A second signal would kill the
      // process.
      if (said === '') child.kill('SIGINT');
      said += lines;
    });
    const [code] = await once(child, 'close');
    assert.equal(code, 130);
    assert.equal(said.match(/ERR_INTERRUPTED/g)?.length, 1);
    assert.deepEqual(
      readdirSync(folder).filter((name) => join(folder, name).startsWith(out)),
      [],
    );
  });
});
