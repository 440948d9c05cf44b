// Runs csrc's tests under sanitizers: one build checks data races, another memory and undefined
// behaviour.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { capture, ROOT, which } from './command.mjs';
import { findLibtorch } from './setup/libtorch.mjs';
import { COMPILER } from './toolchain.mjs';

const BUILDS = {
  thread: 'ThreadSanitizer',
  'address,undefined': 'AddressSanitizer, UndefinedBehaviorSanitizer',
};
/**
 * g++ 12's ThreadSanitizer prints this when randomised addresses leave no room for its shadow
 * memory.
 */
const STREWN = 'unexpected memory mapping';

async function build(sanitizers) {
  const folder = join(ROOT, 'build', `sanitize-${sanitizers.replace(',', '-')}`);
  const { root } = await findLibtorch();
  await capture('cmake', [
    ...['-S', ROOT, '-B', folder],
    ...(which('ninja') ? ['-G', 'Ninja'] : []),
    `-DCMAKE_CXX_COMPILER=${COMPILER}`,
    ...(which('ccache') ? ['-DCMAKE_CXX_COMPILER_LAUNCHER=ccache'] : []),
    '-DCMAKE_BUILD_TYPE=RelWithDebInfo',
    // Enough for the sanitizers' reports. -O2 -g takes a third longer to compile.
    '-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g1',
    `-DLIBTORCH_ROOT=${root}`,
    `-DLLM2CLIP_SANITIZE=${sanitizers}`,
  ]);
  await capture('cmake', ['--build', folder, '--target', 'native_tests', '--parallel', '2']);
  return join(folder, 'RelWithDebInfo', 'tests');
}

/** Returns what a program printed and how it ended. */
function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ output, status: code ?? signal }));
  });
}

async function runTest(program) {
  const first = await run(program, []);
  return first.output.includes(STREWN) ? run('setarch', ['-R', program]) : first;
}

/** Returns true when all tests of a build passed. */
async function passes(sanitizers, title) {
  const begin = performance.now();
  const folder = await build(sanitizers);
  const built = ((performance.now() - begin) / 1000).toFixed(1);
  console.log(`${title} (built in ${built} s)`);
  let clean = true;
  for (const test of readdirSync(folder).filter((name) => name.endsWith('_test'))) {
    const start = performance.now();
    const { output, status } = await runTest(join(folder, test));
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const count = (word) => output.split('\n').filter((line) => line.startsWith(word)).length;
    const [ok, skipped] = [count('ok'), count('skipped')];
    // On an old processor, all tests of a subject may be skipped.
    const well = status === 0 && ok + skipped > 0;
    const left = skipped > 0 ? `, ${skipped} skipped` : '';
    console.log(`${well ? '✓' : '✗'} ${test}: ${ok} ok${left} (${seconds} s)`);
    if (!well) console.log(`${output}\nended with ${status}`.replace(/^/gm, '    '));
    clean &&= well;
  }
  return clean;
}

process.exitCode = 0;
for (const [sanitizers, title] of Object.entries(BUILDS)) {
  try {
    if (!(await passes(sanitizers, title))) process.exitCode = 1;
  } catch (error) {
    console.error(`✗ ${title}: ${error.message}`);
    process.exitCode = 1;
  }
}
