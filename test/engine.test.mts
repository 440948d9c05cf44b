// Tests what is needed to run a bundle's engine: the plugin, the runtime and the operators.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { LLM2CLIP } from 'llm2clip';
import { type BundleContent, writeBundle } from '#lib/bundle/write';
import { fromNative, loadNative } from '#lib/native';
import { locateLibtorch } from '#lib/runtime/locate';
import { locatePlugin } from '#lib/runtime/plugins';
import { CONTENT } from './support/bundle-content.mts';
import { ABSENT, loadModel, ON_GPU } from './support/device.mts';
import { writeForeignEngine } from './support/foreign-engine.mts';
import { temporaryFolder } from './support/temporary.mts';

const { exchangeDirectories: exchange, openEngine } = loadNative();
const folder = temporaryFolder();

async function bundleOf(name: string, content: BundleContent, engine: string | Buffer) {
  const out = join(folder, name);
  await writeBundle(out, { force: true, exchange }, async (inside) => {
    await mkdir(join(inside, 'vision/1'), { recursive: true });
    await writeFile(join(inside, 'vision/1/model.pt'), engine);
    return content;
  });
  return out;
}

/** Compiles this source to a shared library, with the compiler that the set-up needs anyway. */
async function sharedLibrary(name: string, source: string): Promise<string> {
  const path = join(folder, `${name}.so`);
  await writeFile(join(folder, `${name}.c`), source);
  execFileSync('cc', ['-shared', '-fPIC', '-o', path, join(folder, `${name}.c`)]);
  return path;
}

describe('plugins', () => {
  test('a plugin with another interface version is refused, and not run', async () => {
    const plugin = await sharedLibrary(
      'newer',
      'struct { int v; void* p; } llm2clip_plugin = {999, 0};',
    );
    await assert.rejects(fromNative(openEngine(plugin, [])), {
      code: 'ERR_ENGINE_INCOMPATIBLE',
      message: /expected engine interface \d+ .* found 999/,
    });
  });

  test('a library that is no plugin is refused', async () => {
    const plugin = await sharedLibrary('other', 'int other = 1;');
    await assert.rejects(fromNative(openEngine(plugin, [])), { code: 'ERR_ENGINE_INCOMPATIBLE' });
  });

  test('the error for a missing or damaged library names it and the command to run', async () => {
    const none = join(folder, 'none.so');
    await assert.rejects(fromNative(openEngine(none, [])), {
      code: 'ERR_RUNTIME_MISSING',
      message: /none\.so.*runtime info/,
    });
    const text = join(folder, 'text.so');
    await writeFile(text, 'not a library');
    await assert.rejects(fromNative(openEngine(none, [text])), { code: 'ERR_RUNTIME_MISSING' });
  });
});

describe('another installation of llm2clip in the same process', () => {
  test('is refused by name, and the first one still works', async () => {
    const { libraries } = await locateLibtorch();
    const plugin = locatePlugin('torchscript');
    const other = join(folder, 'other', basename(plugin));
    await mkdir(dirname(other), { recursive: true });
    await copyFile(plugin, other);
    await fromNative(openEngine(plugin, libraries));
    await assert.rejects(fromNative(openEngine(other, libraries)), {
      code: 'ERR_ENGINE_INCOMPATIBLE',
      message: /expected .*other.* to be the only one of its name .*npm dedupe/,
    });
    await fromNative(openEngine(plugin, libraries));
  });
});

describe('loading', () => {
  test('without libtorch: the command that installs it', async () => {
    const bundle = await bundleOf('no-runtime', CONTENT, 'engine');
    await assert.rejects(LLM2CLIP.load(bundle, { runtime: join(folder, 'no-libtorch') }), {
      code: 'ERR_RUNTIME_MISSING',
      message: /npx llm2clip runtime install/,
    });
  });

  test('an engine with another version of the operators is refused before it is opened', async () => {
    const engine = { ...CONTENT.engine, operators: 999 };
    const bundle = await bundleOf('other-operators', { ...CONTENT, engine }, 'engine');
    await assert.rejects(LLM2CLIP.load(bundle), {
      code: 'ERR_ENGINE_INCOMPATIBLE',
      message: /expected .* 2, found 999.*convert/,
    });
  });

  test('a file that is no TorchScript is refused', async () => {
    const bundle = await bundleOf('no-engine', CONTENT, 'engine');
    await assert.rejects(LLM2CLIP.load(bundle), { code: 'ERR_ENGINE_INCOMPATIBLE' });
    const { root } = await locateLibtorch();
    const library = await readFile(join(root, 'torch/lib/libc10.so'));
    const zipless = await bundleOf('a-library', CONTENT, library.subarray(0, 100_000));
    await assert.rejects(LLM2CLIP.load(zipless), { code: 'ERR_ENGINE_INCOMPATIBLE' });
  });

  test('a file made elsewhere may use the names of our attributes', async () => {
    const file = join(folder, 'foreign.pt');
    writeForeignEngine(file);
    const bundle = await bundleOf('foreign', CONTENT, await readFile(file));
    const pixelValues = Float32Array.from({ length: 3 * 56 * 56 }, (_, i) => i % 7);
    await using model = await loadModel(bundle);
    const found = await model.encodeImage(
      { pixelValues, shape: [3, 56, 56] },
      { normalize: false },
    );
    assert.deepEqual(found, pixelValues.slice(0, 64));
  });

  test('a missing device is reported, and no other one is used instead', async () => {
    const bundle = await bundleOf('cuda', CONTENT, 'engine');
    for (const device of ON_GPU ? [ABSENT] : [ABSENT, 'cuda:1']) {
      await assert.rejects(LLM2CLIP.load(bundle, { device }), { code: 'ERR_DEVICE_UNAVAILABLE' });
    }
  });
});
