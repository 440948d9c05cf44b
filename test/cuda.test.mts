// Tests what is reported if there is no GPU, if it is unavailable, or if libraries are missing. A
// fake CUDA driver takes the place of a GPU.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Part } from 'llm2clip';
import { locateLibtorch } from '#lib/runtime/locate';
import { locateCudaOperators } from '#lib/runtime/plugins';
import { llm2clip, run } from './support/cli.mts';
import { IMAGES } from './support/digits.mts';
import { driver } from './support/fake-driver.mts';
import { writeFiles } from './support/fake-runtime.mts';
import { temporaryFolder } from './support/temporary.mts';

const CHECKPOINT = fileURLToPath(new URL('./fixtures/digits/digits-eva02.pt', import.meta.url));
const LLM = fileURLToPath(new URL('./fixtures/digits/llm', import.meta.url));
const IMAGE = fileURLToPath(new URL('./fixtures/images/china.jpg', import.meta.url));
const INDEX = fileURLToPath(new URL('../dist/index.js', import.meta.url));

const folder = temporaryFolder();
const bundle = join(folder, 'digits.bundle');
const int8 = join(folder, 'int8.bundle');
let complete = false;

before(async () => {
  const converted = await llm2clip('convert', CHECKPOINT, '--out', bundle);
  assert.equal(converted.code, 0, converted.stderr);
  const { cudaLibraries } = await locateLibtorch();
  complete = cudaLibraries.length > 0 && locateCudaOperators() !== undefined;
});

/** A machine whose driver file is not a library. */
function noDriver(): Record<string, string> {
  const broken = temporaryFolder();
  writeFiles(broken, { 'libcuda.so.1': 'no library' });
  return { LD_LIBRARY_PATH: broken };
}

interface Answer {
  info: { device: string; deviceReason: string; maxBatch: number };
  warnings: string[];
}

/**
 * Loads a bundle, or only the given part, on this device in a process of its own, and returns the
 * result.
 */
async function load(
  env: Record<string, string>,
  device: string,
  path = bundle,
  part?: Part,
): Promise<Answer | string> {
  const script = `
    const { LLM2CLIP } = require(${JSON.stringify(INDEX)});
    const warnings = [];
    const logger = (level, message) => level === 'warn' && warnings.push(message);
    const [path, device, image, part] = process.argv.slice(1);
    LLM2CLIP.load(path, { device, logger, ...(part && { parts: [part] }) }).then(
      async (model) => {
        await (part ? model.encodeText('a digit', { output: 'feature' }) : model.encodeImage(image));
        console.log(JSON.stringify({ info: model.info, warnings }));
        await model.dispose();
      },
      ({ code, message }) => console.log(JSON.stringify(code + ': ' + message)));`;
  const args = ['-e', script, path, device, IMAGE, ...(part ? [part] : [])];
  const options = { env: { ...process.env, ...env } };
  const { stdout } = await promisify(execFile)(process.execPath, args, options);
  return JSON.parse(stdout);
}

const REFUSALS: [string, Record<string, string>, RegExp][] = [
  ['no driver', noDriver(), /expected an NVIDIA driver, found none/],
  ['an old driver', driver('old'), /found one for CUDA 12\.4; update the driver/],
  ['no GPU', driver('no-device'), /expected an NVIDIA GPU, the driver found none/],
  ['a driver that does not start', driver('mismatch'), /does not start: .*803/],
];

describe('device: cuda', () => {
  for (const [name, env, words] of REFUSALS) {
    test(`says why no GPU is available: ${name}`, async () => {
      const answer = await load(env, 'cuda');
      assert.match(String(answer), /^ERR_DEVICE_UNAVAILABLE: /);
      assert.match(String(answer), words);
    });
  }

  test('lists the GPUs if the requested one does not exist', async () => {
    const answer = String(await load(driver('ok'), 'cuda:7'));
    assert.match(
      answer,
      /^ERR_DEVICE_UNAVAILABLE: expected device cuda:7, found cuda:0 \(Fake H100\)/,
    );
  });

  test('names the command that installs missing libraries', async (t) => {
    if (complete) return t.skip('this libtorch has them');
    const answer = String(await load(driver('ok'), 'cuda:1'));
    assert.match(answer, /^ERR_RUNTIME_MISSING: .*runtime install --cuda$/);
  });
});

describe('device: auto', () => {
  for (const [name, env, words] of REFUSALS) {
    test(`takes the CPU and says why: ${name}`, async () => {
      const { info, warnings } = (await load(env, 'auto')) as Answer;
      assert.equal(info.device, 'cpu');
      assert.match(info.deviceReason, /^auto: no GPU used: /);
      assert.match(info.deviceReason, words);
      assert.equal(info.maxBatch, 8);
      assert.deepEqual(warnings, []);
    });
  }

  test("takes the CPU if the GPU's libraries are missing", async (t) => {
    if (complete) return t.skip('this libtorch has them');
    const { info } = (await load(driver('ok'), 'auto')) as Answer;
    assert.equal(info.device, 'cpu');
    assert.match(info.deviceReason, /CUDA libraries are not; run: |has no CUDA operators/);
  });

  test('takes the CPU for int8 images, and the GPU for texts, which are in bf16', async (t) => {
    const images = join(IMAGES, 'gallery');
    const words = ['--out', int8, '--precision', 'int8', '--calibrate', images, '--llm', LLM];
    const converted = await llm2clip('convert', CHECKPOINT, ...words);
    assert.equal(converted.code, 0, converted.stderr);
    const { info } = (await load(driver('ok'), 'auto', int8)) as Answer;
    assert.equal(info.deviceReason, 'auto: no GPU used: int8 runs on the CPU alone');
    if (complete) return t.skip('this libtorch has what a GPU wants');
    const { info: ofTexts } = (await load(driver('ok'), 'auto', int8, 'llm')) as Answer;
    assert.match(ofTexts.deviceReason, /CUDA libraries are not; run: |has no CUDA operators/);
    const insisted = String(await load(driver('ok'), 'cuda', int8, 'llm'));
    assert.match(insisted, /^ERR_RUNTIME_MISSING: /);
  });
});

describe('runtime info', () => {
  test('describes the GPUs and what they lack', async () => {
    const { stdout } = await run(['runtime', 'info'], driver('ok'));
    assert.match(stdout, /^CUDA +a driver for CUDA 13\.0$/m);
    assert.match(stdout, /cuda:0 +Fake H100, 17\.2 GB, compute capability 9\.0$/m);
    assert.match(stdout, /cuda:1 +Fake RTX 4090, 17\.2 GB, compute capability 8\.9$/m);
    if (!complete) assert.match(stdout, /^missing +.*run: .*--cuda$/m);
  });

  for (const [name, env, words] of REFUSALS) {
    test(`says why there is none: ${name}`, async () => {
      const { stdout, code } = await run(['runtime', 'info'], env);
      assert.equal(code, 0);
      assert.match(stdout, words);
      assert.doesNotMatch(stdout, /^missing +.*--cuda$/m);
    });
  }
});
