// Runs scripts/gpu-check.sh with fake programs in place of those of a build.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type GpuRecord, readRecord } from './gpu-record.mts';
import { temporaryFolder } from './temporary.mts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAMS = [
  ...['cuda_kernels_gpu_test', 'gpu_session_check', 'soak_check', 'fault_check', 'text_check'].map(
    (program) => `gpu_check/${program}`,
  ),
  'llm2clip_torchscript.so',
  'llm2clip_torchscript_cuda.so',
];

/** Makes a build whose programs print their arguments as JSON, except for the given ones. */
export function fakeBuild(programs: { [name: string]: string } = {}): string {
  const build = temporaryFolder();
  for (const name of PROGRAMS) {
    const path = join(build, 'Release', name);
    const body = programs[name] ?? 'echo "{\\"arguments\\": \\"$*\\"}"';
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#!/bin/sh\n${body}\n`);
    chmodSync(path, 0o755);
  }
  return build;
}

/** Copies the script and its files to a tree without a kit, even if this tree contains one. */
export function bareTree(): string {
  const tree = temporaryFolder();
  for (const part of [
    'scripts/gpu-check.sh',
    'scripts/gpu-check',
    'scripts/gpu-kit',
    'bench/gpu',
  ]) {
    cpSync(join(ROOT, part), join(tree, part), { recursive: true });
  }
  return tree;
}

/** Returns the command that starts the script of a tree. A step that never ends fails the test. */
export function commandFor(build: string, tree = bareTree()) {
  const env = { ...process.env, LLM2CLIP_LIBTORCH: build, CUDA_HOME: build };
  return { script: join(tree, 'scripts/gpu-check.sh'), env, timeout: 300_000 };
}

export function gpuCheck(build: string, ...options: string[]) {
  const { script, env, timeout } = commandFor(build);
  const args = [script, '--build', build, ...options];
  return spawnSync('bash', args, { encoding: 'utf8', env, timeout });
}

/** Runs a table of steps and returns how each ended. */
export function runTable(lines: string[], ...options: string[]) {
  const folder = temporaryFolder();
  const [table, out] = [join(folder, 'steps.sh'), join(folder, 'record.json')];
  writeFileSync(table, lines.join('\n'));
  const ran = gpuCheck(fakeBuild(), '--table', table, '--out', out, ...options);
  return { ...ran, record: existsSync(out) ? readRecord(out) : undefined };
}

export const endings = (record?: GpuRecord) =>
  record?.steps.map(
    ({ name, status, reason }) => `${name} ${status}${reason ? `: ${reason}` : ''}`,
  );
