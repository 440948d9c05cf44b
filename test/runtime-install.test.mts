import assert from 'node:assert/strict';
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type ErrorCode, LLM2CLIPError } from '#lib/errors';
import { LIBTORCH_CUDA_PINS } from '#lib/runtime/cuda-pins';
import { type InstallOptions, type InstallResult, installLibtorch } from '#lib/runtime/install';
import { locateLibtorch } from '#lib/runtime/locate';
import { LIBTORCH_PINS, LIBTORCH_VERSION, type RuntimePins } from '#lib/runtime/pins';
import {
  LIBRARIES,
  LIBRARY_BYTES,
  PLATFORM,
  writeFiles,
  writeWheels,
} from './support/fake-runtime.mts';
import { untilGroupEnded } from './support/processes.mts';
import { WITHOUT_PIP } from './support/programs.mts';
import { temporaryFolder, withEnvironment } from './support/temporary.mts';

/** Makes wheels of a few bytes, which pip takes from a folder, and a place to install them. */
function workshop() {
  const folder = temporaryFolder();
  const pins = writeWheels(join(folder, 'wheels'));
  const parent = join(folder, 'runtimes');
  const environment = {
    PIP_CONFIG_FILE: '/dev/null',
    PIP_NO_INDEX: '1',
    PIP_FIND_LINKS: join(folder, 'wheels'),
  };
  const target = join(parent, 'libtorch');
  const install = (options: InstallOptions = {}) =>
    withEnvironment(environment, () => installLibtorch({ pins, target, ...options }));
  return { folder, pins, parent, target, environment, install };
}
type Workshop = ReturnType<typeof workshop>;

const first = workshop();
let firstInstalled: Promise<InstallResult> | undefined;

/** Makes a place with an installed runtime, copied from the first one. */
async function installedWorkshop(): Promise<Workshop> {
  firstInstalled ??= first.install();
  await firstInstalled;
  const place = workshop();
  cpSync(first.parent, place.parent, { recursive: true });
  return place;
}

/**
 * Kills its process when part of a file with this suffix is written, or when a program with this
 * name starts.
 */
const KILL_AT = `
  const stage = process.argv[2];
  const fs = require('node:fs');
  const programs = require('node:child_process');
  const kill = () => process.kill(process.pid, 'SIGKILL');
  const writing = [[fs.promises, 'writeFile'], [fs.promises, 'open'], [fs, 'createWriteStream']];
  for (const [module, name] of writing) {
    const original = module[name];
    module[name] = (path, ...more) => {
      if (String(path).includes('.staging/') && String(path).endsWith(stage)) {
        fs.writeFileSync(path, 'a part');
        kill();
      }
      return original(path, ...more);
    };
  }
  const { spawn } = programs;
  programs.spawn = (program, ...more) => {
    const child = spawn(program, ...more);
    if (program === stage) kill();
    return child;
  };`;

/** Installs in a process of its own, which ends at the stage, if one is given. */
function installElsewhere(
  { pins, target, environment }: Workshop,
  headers = false,
  { env, stage, ...more }: SpawnOptions & { stage?: string } = {},
): ChildProcess {
  const script = `${stage === undefined ? '' : KILL_AT}
    const { installLibtorch } = require(${JSON.stringify(join(import.meta.dirname, '../dist/runtime/install.js'))});
    installLibtorch(JSON.parse(process.argv[1])).then(
      (result) => console.log(JSON.stringify(result)),
      (error) => { console.error(error); process.exitCode = 1; });`;
  const options = JSON.stringify({ pins, target, headers });
  return spawn(process.execPath, ['-e', script, options, stage ?? ''], {
    ...more,
    env: { ...process.env, ...environment, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Writes modules that Python and pip import. Each notes that it was run. */
function writeTraps(folder: string, note: string): void {
  const names = ['pip', 'ctypes', 'runpy', 'site', 'sitecustomize', 'usercustomize', 'os', 'json'];
  const more = ['importlib', 'zipfile', 'typing', 'torch'];
  const python = `open(${JSON.stringify(note)}, 'a').write(__file__ + '\\n')\n`;
  writeFiles(folder, Object.fromEntries([...names, ...more].map((name) => [`${name}.py`, python])));
  writeFiles(folder, { 'pip/__main__.py': python, 'pip/__init__.py': python });
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

const INSTALLED = [...LIBRARIES, 'runtime.json'].sort();
const HEADERS = ['torch/include/ATen/ATen.h', 'torch/include/torch/csrc/api/include/torch/all.h'];

function assertInstalled(target: string, expected: string[] = INSTALLED): void {
  assert.deepEqual(filesBelow(target), expected);
  for (const name of LIBRARIES) {
    const content = readFileSync(join(target, name));
    const pattern = `${name} ${LIBTORCH_VERSION}`;
    assert.ok(
      content.equals(Buffer.alloc(LIBRARY_BYTES, pattern)),
      `${name} is not what its wheel holds`,
    );
  }
}

function rejectsWith(promise: Promise<unknown>, code: ErrorCode, message: RegExp) {
  return assert.rejects(promise, (error) => {
    assert.ok(error instanceof LLM2CLIPError, `${error}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}

describe('installing libtorch', { skip: WITHOUT_PIP }, () => {
  it('takes only what running needs from the wheels', async () => {
    const { target, parent, install } = workshop();
    const steps = new Set<string>();
    const result = await install({
      onProgress: ({ step, package: name, bytes, totalBytes }) => {
        assert.ok(bytes >= 0 && bytes <= totalBytes);
        steps.add(`${step} ${name}`);
      },
    });
    assert.deepEqual(result, {
      root: target,
      version: LIBTORCH_VERSION,
      headers: false,
      installed: true,
    });
    assertInstalled(target);
    assert.deepEqual(readdirSync(parent), ['libtorch']);
    assert.ok(steps.has('unpack fake-torch'));
    const found = await locateLibtorch({ runtime: target });
    assert.deepEqual(
      found.libraries,
      LIBRARIES.map((name) => join(target, name)),
    );
  });

  it('does nothing, and needs no Python, if it is installed', async () => {
    const { install, target } = await installedWorkshop();
    const result = await withEnvironment({ PATH: '' }, () => install());
    assert.equal(result.installed, false);
    assertInstalled(target);
  });

  it('installs again if requested libraries are missing', async () => {
    const { install, target, pins } = await installedWorkshop();
    const more: RuntimePins = {
      ...pins,
      wheels: pins.wheels.map((wheel) =>
        wheel.package === 'fake-torch'
          ? { ...wheel, files: [...wheel.files, 'torch/lib/libtorch_cuda.so'] }
          : wheel,
      ),
    };
    assert.equal((await install({ pins: more })).installed, true);
    assertInstalled(target, [...INSTALLED, 'torch/lib/libtorch_cuda.so'].sort());
    assert.equal((await install()).installed, false);
  });

  it('lists each library for GPUs once, in the version that torch needs', () => {
    const names = LIBTORCH_CUDA_PINS.wheels.map((wheel) => wheel.package);
    assert.equal(new Set(names).size, names.length);
    const torch = LIBTORCH_CUDA_PINS.wheels.find((wheel) => wheel.package === 'torch');
    assert.ok(torch?.files.includes('torch/lib/libtorch_cuda.so'));
    for (const { files, sha256 } of LIBTORCH_CUDA_PINS.wheels) {
      assert.match(sha256, /^[0-9a-f]{64}$/);
      for (const file of files) assert.match(file, /^(nvidia|torch)\/[\w./-]+\.so[\d.]*$/);
    }
  });

  it('adds headers to an installed runtime without touching its libraries', async () => {
    const { install, target, parent } = await installedWorkshop();
    const before = statSync(join(target, 'torch/lib/libtorch_cpu.so')).ino;
    const result = await install({ headers: true });
    assert.equal(result.headers, true);
    assertInstalled(target, [...INSTALLED, ...HEADERS].sort());
    assert.equal(statSync(join(target, 'torch/lib/libtorch_cpu.so')).ino, before);
    assert.deepEqual(readdirSync(parent), ['libtorch']);
    const { include } = await locateLibtorch({ runtime: target });
    assert.equal(include, join(target, 'torch/include'));
  });

  it('installs headers together with the libraries', async () => {
    const { install, target } = workshop();
    await install({ headers: true });
    assertInstalled(target, [...INSTALLED, ...HEADERS].sort());
  });

  it('repairs a damaged runtime and replaces one of another version', async () => {
    const { install, target, parent } = await installedWorkshop();
    writeFiles(target, { 'torch/lib/libc10.so': 'cut' });
    assert.equal((await install()).installed, true);
    assertInstalled(target);
    const record = readFileSync(join(target, 'runtime.json'), 'utf8');
    writeFiles(target, { 'runtime.json': record.replaceAll(LIBTORCH_VERSION, '2.9.1') });
    assert.equal((await install()).installed, true);
    assertInstalled(target);
    assert.deepEqual(readdirSync(parent), ['libtorch']);
  });

  it('names wheels by their digest', () => {
    for (const { sha256, files, bytes } of LIBTORCH_PINS.wheels) {
      assert.match(sha256, /^[0-9a-f]{64}$/);
      assert.ok(files.length > 0 && bytes > 0);
    }
    assert.deepEqual(
      LIBTORCH_PINS.wheels.flatMap((wheel) => wheel.files),
      LIBRARIES,
    );
  });
});

describe('files of the folder in which it is started', { skip: WITHOUT_PIP }, () => {
  for (const PYTHONPATH of [undefined, '', '.', 'the folder']) {
    it(`are not run by Python; PYTHONPATH: ${PYTHONPATH}`, async () => {
      const place = workshop();
      const cwd = join(place.folder, 'anywhere');
      const note = join(place.folder, 'note');
      writeTraps(cwd, note);
      const path = PYTHONPATH === 'the folder' ? cwd : PYTHONPATH;
      const env = path === undefined ? {} : { PYTHONPATH: path };
      const install = async () => {
        const [code] = await once(installElsewhere(place, false, { cwd, env }), 'close');
        assert.equal(code, 0);
      };
      await install();
      if (PYTHONPATH === 'the folder') {
        // A runtime of another version is replaced in one step.
        const record = readFileSync(join(place.target, 'runtime.json'), 'utf8');
        writeFiles(place.target, { 'runtime.json': record.replaceAll(LIBTORCH_VERSION, '2.9.1') });
        await install();
      }
      assertInstalled(place.target);
      // Python is also asked for its own torch.
      const python = join(import.meta.dirname, '../dist/runtime/python.js');
      const script = `require(${JSON.stringify(python)}).findPythonTorch(3_600_000)`;
      const asked = spawn(process.execPath, ['-e', script], {
        cwd,
        env: { ...process.env, ...env },
      });
      await once(asked, 'close');
      assert.equal(existsSync(note), false, existsSync(note) ? readFileSync(note, 'utf8') : '');
    });
  }
});

describe('installing libtorch in several processes', { skip: WITHOUT_PIP }, () => {
  it('succeeds in each of them', async () => {
    const place = workshop();
    const children = [false, true, false].map((headers) => installElsewhere(place, headers));
    const results = await Promise.all(
      children.map(async (child) => {
        const output = child.stdout?.setEncoding('utf8').toArray();
        const [code] = await once(child, 'close');
        assert.equal(code, 0);
        return JSON.parse((await output)?.join('') ?? '') as InstallResult;
      }),
    );
    assert.ok(results.some((result) => result.installed));
    assertInstalled(place.target, [...INSTALLED, ...HEADERS].sort());
    assert.deepEqual(readdirSync(place.parent), ['libtorch']);
  });

  const unpacking = ['libcudart.so.13', 'libtorch_cpu.so'];
  for (const stage of ['requirements.txt', 'python3', '.whl', ...unpacking, 'runtime.json']) {
    it(`leaves nothing or everything when killed at ${stage}`, async () => {
      const place = workshop();
      await killAt(place, stage, false);
      if (existsSync(place.target)) assertInstalled(place.target);
      await place.install();
      assertInstalled(place.target);
      assert.deepEqual(readdirSync(place.parent), ['libtorch'], 'the dead process left something');
    });
  }

  for (const stage of ['.whl', 'ATen.h', 'all.h', 'runtime.json']) {
    it(`leaves the runtime usable when killed at ${stage} while adding headers`, async () => {
      const place = await installedWorkshop();
      await killAt(place, stage, true);
      assert.equal((await locateLibtorch({ runtime: place.target })).version, LIBTORCH_VERSION);
      await place.install({ headers: true });
      assertInstalled(place.target, [...INSTALLED, ...HEADERS].sort());
      assert.deepEqual(readdirSync(place.parent), ['libtorch']);
    });
  }

  async function killAt(place: Workshop, stage: string, headers: boolean): Promise<void> {
    const child = installElsewhere(place, headers, { stage, detached: true });
    const [, signal] = await once(child, 'close');
    assert.equal(signal, 'SIGKILL');
    // pip may outlive the process that started it for a moment, and recreate its folder after it
    // was deleted.
    await untilGroupEnded(child.pid as number);
  }
});

describe('libtorch is not installed', () => {
  const nothingLeft = ({ parent }: Workshop) => assert.deepEqual(readdirSync(parent), []);

  function otherDigest(pins: RuntimePins): RuntimePins {
    const wheels = pins.wheels.map((wheel) => ({ ...wheel, sha256: '0'.repeat(64) }));
    return { ...pins, wheels };
  }

  it('when pip finds another digest', { skip: WITHOUT_PIP }, async () => {
    const place = workshop();
    const pins = otherDigest(place.pins);
    await rejectsWith(place.install({ pins }), 'ERR_INSTALL_FAILED', /pip: .*(HASH|hash|sha256)/i);
    nothingLeft(place);
  });

  it('when pip returns a wheel that is not the pinned one', async () => {
    const place = workshop();
    const [wheel] = place.pins.wheels;
    const careless = `#!/bin/sh
while [ "$1" != -d ]; do shift; done
printf other > "$2/fake_cuda-${LIBTORCH_VERSION}-py3-none-${PLATFORM}.whl"
`;
    writeFiles(place.folder, { 'bin/python3': careless });
    chmodSync(join(place.folder, 'bin/python3'), 0o755);
    await withEnvironment({ PATH: `${join(place.folder, 'bin')}:${process.env.PATH}` }, () =>
      rejectsWith(place.install(), 'ERR_INSTALL_FAILED', new RegExp(`expected .*${wheel?.sha256}`)),
    );
    nothingLeft(place);
  });

  it('without Python', async () => {
    const place = workshop();
    await withEnvironment({ PATH: place.folder }, () =>
      rejectsWith(place.install(), 'ERR_INSTALL_FAILED', /expected python3 with pip on PATH/),
    );
    nothingLeft(place);
  });

  it("offline, and shows pip's last lines", { skip: WITHOUT_PIP }, async () => {
    const place = workshop();
    const nowhere = { ...place.environment, PIP_FIND_LINKS: join(place.folder, 'empty') };
    await withEnvironment(nowhere, () =>
      rejectsWith(
        installLibtorch({ pins: place.pins, target: place.target }),
        'ERR_INSTALL_FAILED',
        /fake-cuda.*\n {2}pip: .*No matching distribution/s,
      ),
    );
    nothingLeft(place);
  });

  it('if the disk is too small', async () => {
    const place = workshop();
    const wheels = place.pins.wheels.map((wheel) => ({ ...wheel, unpackedBytes: 1e18 }));
    const pins = { ...place.pins, wheels };
    await rejectsWith(place.install({ pins }), 'ERR_IO', /free in .*found \d+ MB/);
    nothingLeft(place);
  });

  it('into a folder that holds something else', async () => {
    const place = workshop();
    writeFiles(place.target, { 'thesis.txt': 'three years' });
    await rejectsWith(place.install(), 'ERR_INSTALL_FAILED', /--target/);
    assert.deepEqual(filesBelow(place.target), ['thesis.txt']);
  });

  it('under a file', async () => {
    const place = workshop();
    writeFiles(place.folder, { file: '' });
    const target = join(place.folder, 'file/libtorch');
    await rejectsWith(place.install({ target }), 'ERR_IO', /cannot install libtorch into/);
  });
});
