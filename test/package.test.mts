import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { RuntimeDescription } from '#lib/runtime/describe';
import { LIBTORCH_VERSION } from '#lib/runtime/pins';
import { temporaryFolder } from './support/temporary.mts';

const ROOT = join(import.meta.dirname, '..');
const PREBUILT = 'prebuilds/linux-x64';
const run = promisify(execFile);

interface LockedPackage {
  version: string;
  dev?: boolean;
  dependencies?: Record<string, string>;
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}

/** Makes the tarball that npm would publish. */
async function pack(folder: string): Promise<string> {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const { stdout } = await run('npm', args, { cwd: ROOT });
  const [packed] = Object.values(JSON.parse(stdout) as Record<string, { filename: string }>);
  assert.ok(packed);
  return join(folder, packed.filename);
}

/**
 * Returns a lock file with the dependencies' entries of this project's, which are in npm's cache
 * after `npm ci`.
 */
function lockFor(tarball: string): object {
  const lock = readJson<{ packages: Record<string, LockedPackage> }>(
    join(ROOT, 'package-lock.json'),
  );
  const { version, dependencies } = readJson<LockedPackage>(join(ROOT, 'package.json'));
  const published = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && !dev);
  return {
    name: 'app',
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': { name: 'app', dependencies: { llm2clip: `file:${tarball}` } },
      'node_modules/llm2clip': { version, resolved: `file:${tarball}`, dependencies },
      ...Object.fromEntries(published),
    },
  };
}

/**
 * Installs the tarball as an app would. Without npm's cache and a registry, it unpacks and links
 * instead.
 */
async function install(app: string, tarball: string): Promise<string> {
  const manifest = { name: 'app', private: true, dependencies: { llm2clip: `file:${tarball}` } };
  writeFileSync(join(app, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(app, 'package-lock.json'), JSON.stringify(lockFor(tarball)));
  const args = ['ci', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
  try {
    await run('npm', args, { cwd: app });
    return 'npm ci';
  } catch {
    const packages = join(app, 'node_modules');
    mkdirSync(join(packages, 'llm2clip'), { recursive: true });
    const target = join(packages, 'llm2clip');
    await run('tar', ['-xzf', tarball, '-C', target, '--strip-components=1']);
    for (const name of readdirSync(join(ROOT, 'node_modules'))) {
      if (name.startsWith('.') || existsSync(join(packages, name))) continue;
      symlinkSync(join(ROOT, 'node_modules', name), join(packages, name));
    }
    return 'tar and links, for npm could not';
  }
}

describe('the packed tarball, installed in an empty folder', () => {
  const folder = temporaryFolder();
  const app = join(folder, 'app');
  const installed = join(app, 'node_modules/llm2clip');
  let installer = '';

  before(async () => {
    await run(process.execPath, ['scripts/prebuild.mjs', '--built'], { cwd: ROOT });
    mkdirSync(app);
    installer = await install(app, await pack(folder));
  });

  /** Runs Node on a PATH without compiler, CMake and Python. */
  const node = (...args: string[]) =>
    run(process.execPath, args, {
      cwd: app,
      env: { HOME: folder, PATH: '' },
    });

  it('holds the addon, its plugins and the compiled code, but no sources', (test) => {
    test.diagnostic(`installed by ${installer}`);
    const built = readdirSync(join(ROOT, 'build/Release')).filter((name) =>
      /\.(node|so)$/.test(name),
    );
    assert.ok(built.includes('llm2clip.node') && built.includes('llm2clip_torchscript.so'));
    for (const name of built) assert.ok(existsSync(join(installed, PREBUILT, name)), name);
    const names = readdirSync(installed).sort();
    const allowed = ['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json', 'prebuilds'];
    assert.deepEqual(
      names.filter((name) => name !== 'node_modules'),
      allowed,
    );
    const { scripts = {} } = readJson<{ scripts?: object }>(join(installed, 'package.json'));
    for (const hook of ['preinstall', 'install', 'postinstall'])
      assert.ok(!(hook in scripts), hook);
  });

  it('gives the same exports to require and import, with its addon', async (test) => {
    const script = `
      const required = require('llm2clip');
      import('llm2clip').then((imported) => {
        const begin = performance.now();
        const { loadNative } = require(${JSON.stringify(join(installed, 'dist/native.js'))});
        const features = loadNative().cpuFeatures();
        const same = Object.keys(required).every((name) => imported[name] === required[name]);
        console.log(JSON.stringify({
          same, features, names: Object.keys(required), ms: performance.now() - begin,
          maps: require('fs').readFileSync('/proc/self/maps', 'utf8').match(/\\/\\S+\\/(lib(torch|c10|gomp)|llm2clip)[^/\\s]*$/gm),
        }));
      });`;
    const { same, features, names, ms, maps } = JSON.parse((await node('-e', script)).stdout);
    assert.ok(same);
    assert.ok(names.includes('LLM2CLIP') && names.includes('LLM2CLIPError'), `${names}`);
    assert.ok(Array.isArray(features));
    assert.ok(
      maps.every((path: string) => path === join(installed, PREBUILT, 'llm2clip.node')),
      `${maps}`,
    );
    test.diagnostic(`loading the addon took ${ms.toFixed(1)} ms`);
  });

  it('gives import its own types and values', async () => {
    const module =
      "import { LLM2CLIP, convert } from 'llm2clip'; console.log(typeof LLM2CLIP.load, typeof convert);";
    const { stdout } = await node('--input-type=module', '-e', module);
    assert.equal(stdout.trim(), 'function function');
  });

  it('has a command that reports what is missing', async () => {
    const bin = join(app, 'node_modules/llm2clip/dist/cli/main.js');
    const info = JSON.parse((await node(bin, 'runtime', 'info', '--json')).stdout);
    assert.equal(info.addon, join(installed, PREBUILT, 'llm2clip.node'));
    const { plugins, missing } = info as RuntimeDescription;
    const plugin = plugins.find(({ name }) => name === 'torchscript');
    assert.equal(plugin?.path, join(installed, PREBUILT, 'llm2clip_torchscript.so'));
    const libtorch = missing.find(({ what }) => what === `libtorch ${LIBTORCH_VERSION}`);
    assert.match(libtorch?.command ?? '', /npx llm2clip runtime install/);
  });

  it('finds its plugin where an Electron app keeps it', async () => {
    const archive = join(folder, 'electron/app.asar/node_modules');
    const unpacked = join(folder, 'electron/app.asar.unpacked/node_modules');
    // Only the packages that search for the plugin are needed.
    for (const [folder, name] of [
      [archive, 'llm2clip'],
      [archive, 'node-gyp-build'],
      [unpacked, 'llm2clip'],
    ] as const) {
      cpSync(join(app, 'node_modules', name), join(folder, name), { recursive: true });
    }
    const plugins = join(archive, 'llm2clip/dist/runtime/plugins.js');
    const script = `console.log(require(${JSON.stringify(plugins)}).locatePlugin('torchscript'))`;
    const { stdout } = await node('-e', script);
    assert.equal(stdout.trim(), join(unpacked, 'llm2clip', PREBUILT, 'llm2clip_torchscript.so'));
  });
});
