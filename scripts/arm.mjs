// Compiles csrc's tests of the CPU for 64-bit Arm, and runs them in QEMU as several processors.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { capture, ROOT, which } from './command.mjs';

const SYSTEM = '/usr/aarch64-linux-gnu';
const FOLDER = join(ROOT, 'build/arm');
const PACKAGES = 'g++-aarch64-linux-gnu libc6-arm64-cross qemu-user-static';

/** Tests that do not depend on LLM2CLIP_ISA. They run once. */
const EVERYWHERE = [
  ...['activation', 'attention', 'batch', 'image', 'mapped_file', 'memory', 'model', 'norm'],
  ...['processors', 'search', 'serving', 'team', 'threads'],
];
/** Tests of what LLM2CLIP_ISA selects. */
const BY_ISA = ['linear', 'ops'];
/** Tests of what each processor selects by itself. */
const BY_PROCESSOR = ['cpu_engine'];

/** What a processor chooses by itself, and what else it is to be tested with. */
const PROCESSORS = [
  { cpu: 'max', chooses: 'neon_bf16', others: ['neon_i8mm', 'neon_dotprod', 'neon', 'generic'] },
  { cpu: 'neoverse-n1', chooses: 'neon_dotprod', others: [] },
  { cpu: 'cortex-a72', chooses: 'neon', others: [] },
];

function findMissing() {
  const programs = ['cmake', 'aarch64-linux-gnu-g++', 'qemu-aarch64-static'];
  const missing = programs.filter((program) => !which(program));
  if (!existsSync(join(SYSTEM, 'lib/libc.so.6'))) missing.push(`${SYSTEM}/lib/libc.so.6`);
  return missing;
}

async function build() {
  await capture('cmake', [
    ...['-S', ROOT, '-B', FOLDER],
    ...(which('ninja') ? ['-G', 'Ninja'] : []),
    `-DCMAKE_TOOLCHAIN_FILE=${join(ROOT, 'cmake/aarch64-linux.cmake')}`,
    ...(which('ccache') ? ['-DCMAKE_CXX_COMPILER_LAUNCHER=ccache'] : []),
    '-DCMAKE_BUILD_TYPE=Release',
  ]);
  const targets = [...EVERYWHERE, ...BY_ISA, ...BY_PROCESSOR].map((subject) => `${subject}_test`);
  await capture('cmake', ['--build', FOLDER, '--parallel', '2', '--target', ...targets]);
}

/** Runs a test as this processor. Returns what it printed and how it ended. */
function run(subject, cpu, isa) {
  const program = join(FOLDER, 'Release/tests', `${subject}_test`);
  return new Promise((resolve, reject) => {
    const child = spawn('qemu-aarch64-static', ['-L', SYSTEM, '-cpu', cpu, program], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LLM2CLIP_ISA: isa ?? '' },
    });
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

/** Returns true when the test passed with the instructions that were expected. */
async function passes({ subject, cpu, isa, expected }) {
  const begin = performance.now();
  const { output, status } = await run(subject, cpu, isa);
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  const [, found = expected] = /^instructions: (.*)$/m.exec(output) ?? [];
  const well = status === 0 && found === expected;
  console.log(`${well ? '✓' : '✗'} ${subject}, ${cpu}${isa ? `, ${isa}` : ''} (${seconds} s)`);
  if (found !== expected) console.log(`    expected it to use ${expected}, found ${found}`);
  if (!well) console.log(`${output}\nended with ${status}`.replace(/^/gm, '    '));
  return well;
}

/** Every run of a test: its subject, the processor, LLM2CLIP_ISA and what that makes it use. */
function listRuns() {
  const runs = EVERYWHERE.map((subject) => ({ subject, cpu: 'max' }));
  for (const { cpu, chooses, others } of PROCESSORS) {
    for (const subject of [...BY_PROCESSOR, ...BY_ISA]) {
      runs.push({ subject, cpu, expected: chooses });
    }
    for (const isa of others) {
      for (const subject of BY_ISA) runs.push({ subject, cpu, isa, expected: isa });
    }
  }
  return runs;
}

/** Runs all tests, up to four at a time. */
async function passesAll() {
  const runs = listRuns();
  let clean = true;
  const work = async () => {
    for (let next = runs.shift(); next; next = runs.shift()) clean = (await passes(next)) && clean;
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));
  return clean;
}

const missing = findMissing();
if (missing.length > 0) {
  console.log(
    `skipped: the tests for Arm need ${missing.join(', ')}, which were not found; ` +
      `\`apt-get install ${PACKAGES} cmake\` installs them`,
  );
} else {
  try {
    await build();
    process.exitCode = (await passesAll()) ? 0 : 1;
  } catch (error) {
    console.error(`✗ ${error.message}`);
    process.exitCode = 1;
  }
}
