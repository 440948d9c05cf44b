import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { LLM2CLIPError } from '#lib/errors';
import { type Libtorch, locateLibtorch } from '#lib/runtime/locate';
import { LIBTORCH_VERSION } from '#lib/runtime/pins';
import { locateAddon, locatePlugin } from '#lib/runtime/plugins';
import { LIBRARIES, writeFiles, writeLibtorch } from './support/fake-runtime.mts';
import { temporaryFolder, withEnvironment } from './support/temporary.mts';

const MAIN = join(import.meta.dirname, '../dist/cli/main.js');

const PYTHON = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
  encoding: 'utf8',
}).trim();

/**
 * Returns the environment of a machine with nothing installed, whose python3 knows only PYTHONPATH.
 */
function bareMachine(folder: string) {
  writeFiles(folder, { 'bin/python3': `#!/bin/sh\nexec '${PYTHON}' -S "$@"\n` });
  chmodSync(join(folder, 'bin/python3'), 0o755);
  return {
    LLM2CLIP_CACHE: join(folder, 'cache'),
    LLM2CLIP_LIBTORCH: undefined,
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    PYTHONPATH: join(folder, 'no-python-packages'),
  } as Record<string, string | undefined>;
}

const HOUR_MS = 3_600_000;

/** Waits for python3 even on a busy machine. */
const locate = (options: { runtime?: string } = {}): Promise<Libtorch> =>
  locateLibtorch(options, HOUR_MS);

function hasCode(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof LLM2CLIPError, `${error}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}

describe('libtorch is found', () => {
  it('in the option, then the variable, the cache and Python', async () => {
    const folder = temporaryFolder();
    const option = writeLibtorch(join(folder, 'option'));
    const env = writeLibtorch(join(folder, 'env'));
    const cache = writeLibtorch(join(folder, 'cache', `libtorch-${LIBTORCH_VERSION}`));
    const python = writeLibtorch(join(folder, 'python'));
    const machine = { ...bareMachine(folder), LLM2CLIP_LIBTORCH: env, PYTHONPATH: python };
    await withEnvironment(machine, async () => {
      const found = await locate({ runtime: option });
      assert.deepEqual([found.source, found.root], ['option', option]);
      const next = await locate();
      assert.deepEqual([next.source, next.root], ['env', env]);
      delete process.env.LLM2CLIP_LIBTORCH;
      const third = await locate();
      assert.deepEqual([third.source, third.root], ['cache', cache]);
      process.env.LLM2CLIP_CACHE = join(folder, 'empty');
      // The fake torch ends the process if it is imported.
      const last = await locate();
      assert.deepEqual([last.source, last.root], ['python', python]);
    });
  });

  it('with its libraries in the order in which they are opened', async () => {
    const root = writeLibtorch(temporaryFolder(), '2.11.0+cu130');
    const expected = LIBRARIES.map((name) => join(root, name));
    for (const runtime of [root, join(root, 'torch')]) {
      const found = await locate({ runtime });
      assert.deepEqual(found.libraries, expected);
      assert.equal(found.version, '2.11.0+cu130');
      assert.equal(found.include, undefined);
    }
  });

  it("with CUDA's libraries, if there are any, after the others", async () => {
    const root = writeLibtorch(temporaryFolder());
    assert.deepEqual((await locate({ runtime: root })).cudaLibraries, []);
    const names = [
      'nvidia/cu13/lib/libnvrtc.so.13',
      'torch/lib/libc10_cuda.so',
      'torch/lib/libtorch_cuda.so',
    ];
    writeFiles(root, Object.fromEntries(names.map((name) => [name, name])));
    const { libraries, cudaLibraries } = await locate({ runtime: root });
    assert.equal(libraries.length, LIBRARIES.length);
    assert.deepEqual(
      cudaLibraries,
      names.map((name) => join(root, name)),
    );
  });

  it('in the cache for GPUs before that for the CPU', async () => {
    const folder = temporaryFolder();
    const name = `libtorch-${LIBTORCH_VERSION}`;
    const cpu = writeLibtorch(join(folder, 'cache', name));
    await withEnvironment(bareMachine(folder), async () => {
      assert.equal((await locate()).root, cpu);
      const gpu = writeLibtorch(join(folder, 'cache', `${name}-cuda`));
      assert.equal((await locate()).root, gpu);
    });
  });

  it('with headers, if there are any', async () => {
    const root = writeLibtorch(temporaryFolder());
    writeFiles(root, { 'torch/include/ATen/ATen.h': '// tensors' });
    const found = await locate({ runtime: root });
    assert.equal(found.include, join(root, 'torch/include'));
  });

  it("beside an Electron app's archive", async () => {
    const folder = temporaryFolder();
    const unpacked = writeLibtorch(join(folder, 'app.asar.unpacked/vendor/libtorch'));
    const found = await locate({ runtime: join(folder, 'app.asar/vendor/libtorch') });
    assert.equal(found.root, unpacked);
  });
});

describe('libtorch is refused', () => {
  it('when there is none, with the command that installs it', async () => {
    await withEnvironment(bareMachine(temporaryFolder()), () =>
      assert.rejects(
        locate(),
        hasCode('ERR_RUNTIME_MISSING', /2\.11\.0.*npx llm2clip runtime install/),
      ),
    );
  });

  it('when a folder named explicitly has none, whatever else there is', async () => {
    const folder = temporaryFolder();
    writeLibtorch(join(folder, 'cache', `libtorch-${LIBTORCH_VERSION}`));
    const named = join(folder, 'nothing');
    await withEnvironment(bareMachine(folder), async () => {
      const missing = hasCode('ERR_RUNTIME_MISSING', /nothing.*runtime install --target/);
      await assert.rejects(locate({ runtime: named }), missing);
      process.env.LLM2CLIP_LIBTORCH = named;
      await assert.rejects(locate(), missing);
    });
  });

  it('when it is of another version, naming both', async () => {
    const folder = temporaryFolder();
    const old = writeLibtorch(join(folder, 'old'), '2.9.1+cpu');
    await withEnvironment({ ...bareMachine(folder), PYTHONPATH: old }, async () => {
      const incompatible = hasCode(
        'ERR_ENGINE_INCOMPATIBLE',
        /expected libtorch 2\.11\.0, found 2\.9\.1/,
      );
      await assert.rejects(locate({ runtime: old }), incompatible);
      await assert.rejects(locate(), hasCode('ERR_RUNTIME_MISSING', /torch 2\.9\.1/));
    });
  });

  it('when the installed one is damaged', async () => {
    const folder = temporaryFolder();
    const cache = writeLibtorch(join(folder, 'cache', `libtorch-${LIBTORCH_VERSION}`));
    const files = LIBRARIES.map((path) => ({ path, bytes: path.length, sha256: '' }));
    const record = { formatVersion: 1, libtorch: LIBTORCH_VERSION, headers: false, files };
    writeFiles(cache, { 'runtime.json': JSON.stringify(record) });
    await withEnvironment(bareMachine(folder), async () => {
      assert.equal((await locate()).source, 'cache');
      writeFiles(cache, { 'torch/lib/libc10.so': 'cut' });
      await assert.rejects(locate(), hasCode('ERR_RUNTIME_MISSING', /libc10\.so.*found 3 bytes/));
    });
  });

  it('in the folder where the process was started, without a home or with a relative cache', async () => {
    const folder = temporaryFolder();
    const { PATH } = bareMachine(folder);
    const here = join(folder, 'here');
    for (const name of ['.cache/llm2clip', 'llm2clip', 'cache', '.']) {
      writeLibtorch(join(here, name, `libtorch-${LIBTORCH_VERSION}`));
    }
    const located = async (variables: Record<string, string>) => {
      const script = `require(${JSON.stringify(join(MAIN, '../../runtime/locate.js'))}).locateLibtorch({}, ${HOUR_MS}).then(
        ({ root }) => console.log(root), ({ code, message }) => console.log(code, message))`;
      const env = { PATH, HOME: join(folder, 'home'), PYTHONPATH: folder, ...variables };
      const options = { cwd: here, env };
      return (await promisify(execFile)(process.execPath, ['-e', script], options)).stdout;
    };
    for (const LLM2CLIP_CACHE of ['cache', '.', './llm2clip']) {
      assert.match(
        await located({ LLM2CLIP_CACHE }),
        /^ERR_RUNTIME_MISSING .*absolute path in LLM2CLIP_CACHE, found "/,
      );
    }
    const homes = [{ HOME: '' }, { HOME: '.' }, { XDG_CACHE_HOME: '.' }, { XDG_CACHE_HOME: '' }];
    for (const variables of homes) {
      const found = await located({ HOME: '', ...variables });
      assert.ok(!found.includes(here), found);
    }
  });

  it('in a cache that other users own or may write to', async () => {
    const folder = temporaryFolder();
    const cache = join(folder, 'cache');
    const inside = writeLibtorch(join(cache, `libtorch-${LIBTORCH_VERSION}`));
    await withEnvironment(bareMachine(folder), async () => {
      for (const path of [cache, inside]) {
        chmodSync(path, 0o777);
        await assert.rejects(locate(), hasCode('ERR_RUNTIME_MISSING', /chmod go-w/));
        chmodSync(path, 0o755);
        assert.equal((await locate()).source, 'cache');
        if (process.geteuid?.() !== 0) continue;
        chownSync(path, 12_345, 0);
        const owned = hasCode('ERR_RUNTIME_MISSING', /owned by user 12345/);
        await assert.rejects(locate(), owned);
        chownSync(path, 0, 12_345);
        chmodSync(path, 0o775);
        await assert.rejects(locate(), hasCode('ERR_RUNTIME_MISSING', /chmod go-w/));
        chmodSync(path, 0o755);
      }
      // A folder that the user names is trusted.
      chmodSync(inside, 0o777);
      assert.equal((await locate({ runtime: inside })).source, 'option');
    });
  });

  it('when python3 hangs', { timeout: 600_000 }, async () => {
    const folder = temporaryFolder();
    const machine = bareMachine(folder);
    writeFiles(folder, { 'bin/python3': '#!/bin/sh\nexec sleep 600\n' });
    await withEnvironment(machine, () =>
      assert.rejects(locateLibtorch({}, 1), hasCode('ERR_RUNTIME_MISSING', /did not answer/)),
    );
  });
});

describe('addon and plugin are found', () => {
  it('in the local build before the prebuilt ones', () => {
    const root = temporaryFolder();
    const missing = hasCode('ERR_RUNTIME_MISSING', /found none/);
    assert.throws(() => locateAddon(root), missing);
    const prebuilt = `prebuilds/${process.platform}-${process.arch}`;
    writeFiles(root, {
      [`${prebuilt}/llm2clip.node`]: '',
      [`${prebuilt}/llm2clip_torchscript.so`]: '',
    });
    assert.equal(
      locatePlugin('torchscript', root),
      join(root, prebuilt, 'llm2clip_torchscript.so'),
    );
    writeFiles(root, { 'build/Release/llm2clip.node': '' });
    assert.equal(locateAddon(root), join(root, 'build/Release/llm2clip.node'));
    assert.throws(() => locatePlugin('torchscript', root), missing);
  });

  it("beside an Electron app's archive", () => {
    const folder = temporaryFolder();
    const archive = join(folder, 'app.asar/node_modules/llm2clip');
    const unpacked = join(folder, 'app.asar.unpacked/node_modules/llm2clip');
    mkdirSync(archive, { recursive: true });
    for (const root of [archive, unpacked]) {
      writeFiles(root, {
        'build/Release/llm2clip.node': '',
        'build/Release/llm2clip_torchscript.so': '',
      });
    }
    assert.equal(locateAddon(archive), join(unpacked, 'build/Release/llm2clip.node'));
    assert.equal(
      locatePlugin('torchscript', archive),
      join(unpacked, 'build/Release/llm2clip_torchscript.so'),
    );
  });
});

describe('runtime info', () => {
  const info = async (machine: Record<string, string | undefined>, ...options: string[]) => {
    const env = { ...process.env, ...machine };
    const args = [MAIN, 'runtime', 'info', ...options];
    return (await promisify(execFile)(process.execPath, args, { env })).stdout;
  };

  it('prints as JSON what is used and what is missing', async () => {
    const folder = temporaryFolder();
    const machine = bareMachine(folder);
    const without = JSON.parse(await info(machine, '--json'));
    assert.deepEqual(Object.keys(without), [
      'llm2clip',
      'node',
      'platform',
      'glibc',
      'cpu',
      'memoryBytes',
      'addon',
      'plugins',
      'libtorch',
      'cuda',
      'tensorrt',
      'tensorrtRtx',
      'missing',
    ]);
    assert.equal(without.node, process.versions.node);
    assert.ok(Array.isArray(without.cpu.features));
    assert.equal(without.libtorch.used, null);
    assert.deepEqual(
      without.libtorch.places.map((place: { source: string }) => place.source),
      ['cache', 'python'],
    );
    const command = 'npx llm2clip runtime install';
    assert.deepEqual(without.missing.at(-1), { what: `libtorch ${LIBTORCH_VERSION}`, command });

    const env = writeLibtorch(join(folder, 'env'));
    const used = JSON.parse(await info({ ...machine, LLM2CLIP_LIBTORCH: env }, '--json')).libtorch;
    assert.equal(used.used, 'env');
    assert.deepEqual(used.places[0], {
      source: 'env',
      folder: env,
      version: LIBTORCH_VERSION,
      headers: false,
      cuda: false,
      problem: null,
    });
  });

  it('uses nothing else if a folder is named explicitly', async () => {
    const folder = temporaryFolder();
    writeLibtorch(join(folder, 'cache', `libtorch-${LIBTORCH_VERSION}`));
    const machine = { ...bareMachine(folder), LLM2CLIP_LIBTORCH: join(folder, 'nothing') };
    assert.equal(JSON.parse(await info(machine, '--json')).libtorch.used, null);
  });

  it('prints the same as text', async () => {
    const text = await info(bareMachine(temporaryFolder()));
    assert.match(text, /^missing +libtorch 2\.11\.0; run: npx llm2clip runtime install$/m);
  });
});
