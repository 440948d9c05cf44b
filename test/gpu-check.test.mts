// scripts/gpu-check.sh and bench/gpu/record.py over programs that stand for those of a build.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from './support/temporary.mts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Step {
  name: string;
  status: string;
  reason?: string;
  command: string;
  result: unknown;
  gpu: string;
  lastLines?: string[];
}
interface Gate {
  engine: string;
  goal: string;
  found: number | null;
  met: boolean | null;
}
interface Ratio {
  engine: string;
  precision: string;
  batch: number;
  timesEager?: number;
  timesCompiled?: number;
}
interface GpuRecord {
  gpu: string;
  gates: Gate[];
  ratios: Ratio[];
  steps: Step[];
}

function write(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
}

const readRecord = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as GpuRecord;

describe('the record of a GPU', () => {
  /** What ran: names with what each printed, or a failure. */
  type Ran = { [name: string]: { out?: string; err?: string; status?: string; reason?: string } };

  function record(out: string, gpu: string, ran: Ran) {
    const folder = temporaryFolder();
    write(join(folder, 'gpu'), `${gpu}\n`);
    const lines = Object.entries(ran).map(([name, { out, err, status = 'ok', reason = '' }]) => {
      write(join(folder, `${name}.out`), out ?? '');
      write(join(folder, `${name}.err`), err ?? '');
      return `${name}\t${status}\t3\t${reason}\t/opt/some/where/check --folder=${folder}/x small\n`;
    });
    write(join(folder, 'steps'), lines.join(''));
    const script = join(ROOT, 'bench/gpu/record.py');
    return spawnSync('python3', [script, folder, out], { encoding: 'utf8' });
  }

  const time = (batch: number, perSecond: number) => ({
    batch,
    perSecond,
    p50Ms: (1e3 * batch) / perSecond,
  });
  const session = (...batches: object[]) =>
    JSON.stringify({ engines: [{ precision: 'fp16', batches, servedPerSecond: 1700 }] });
  const peer = (...batches: object[]) => JSON.stringify({ batches });

  test('compares what ran on one GPU, and says which goals are met', () => {
    const out = join(temporaryFolder(), 'record.json');
    const { status, stderr } = record(out, 'H', {
      'session-large': { out: session(time(1, 800), time(8, 1500), time(64, 2000)) },
      'pytorch-fp16': { out: peer(time(1, 200), time(64, 1250)) },
      'torch-compile-fp16': { out: peer(time(64, 1600)) },
    });
    assert.equal(status, 0, stderr);
    const { gates, ratios } = readRecord(out);
    assert.deepEqual(
      ratios.map(({ batch, timesEager, timesCompiled }) => [batch, timesEager, timesCompiled]),
      [
        [1, 4, undefined],
        [8, undefined, undefined],
        [64, 1.6, 1.25],
      ],
    );
    assert.deepEqual(
      gates.map(({ goal, found, met }) => [goal, found, met]),
      [
        ['offline, times PyTorch eager', 1.6, false],
        ['offline, times torch.compile', 1.25, true],
        ['offline, images/s', 2000, true],
        ['batch 1, p50 in ms', 1.25, true],
        ['batch 1, times PyTorch eager', 4, true],
        ['served, of offline', 0.85, true],
      ],
    );
  });

  test('keeps the steps of earlier runs, and compares none across GPUs', () => {
    const out = join(temporaryFolder(), 'record.json');
    record(out, 'H', { 'session-large': { out: session(time(64, 2000)) }, kernels: {} });
    record(out, 'G', { 'pytorch-fp16': { out: peer(time(64, 1000)) } });
    const other = readRecord(out);
    assert.deepEqual(
      other.steps.map(({ name, gpu }) => [name, gpu]),
      [
        ['session-large', 'H'],
        ['kernels', 'H'],
        ['pytorch-fp16', 'G'],
      ],
    );
    assert.equal(other.gates[0]?.met, null);
    record(out, 'H', { 'pytorch-fp16': { out: peer(time(64, 1000)) } });
    const same = readRecord(out);
    assert.equal(same.steps.length, 3);
    assert.deepEqual([same.gates[0]?.found, same.gates[0]?.met], [2, true]);
  });

  test('holds the last lines of what failed, without the folders of the machine', () => {
    const out = join(temporaryFolder(), 'record.json');
    const lines = Array.from({ length: 30 }, (_, i) => `line ${i}`);
    const { status, stdout } = record(out, 'H', {
      kernels: {
        status: 'failed',
        reason: 'exit code 1',
        out: 'FAILED in (/home/me/src/a.cpp:3): see https://example.org/a/b\n',
        err: lines.join('\n'),
      },
      soak: {
        status: 'failed',
        reason: 'not done after 3 s',
        out: '{"error": "no /opt/x.so"}',
        err: 'grew',
      },
      texts: { status: 'skipped', reason: 'expected /opt/lib/x.so, found none' },
    });
    assert.equal(status, 1);
    assert.match(stdout, /3 steps, failed: kernels, soak/);
    const [kernels, soak, texts] = readRecord(out).steps;
    assert.deepEqual(kernels?.lastLines, [
      'FAILED in (a.cpp:3): see https://example.org/a/b',
      ...lines.slice(10),
    ]);
    assert.equal(kernels?.command, 'check --folder=x small');
    assert.deepEqual([soak?.result, soak?.lastLines], [{ error: 'no x.so' }, ['grew']]);
    assert.deepEqual([texts?.status, texts?.reason], ['skipped', 'expected x.so, found none']);
  });
});

describe('gpu-check', () => {
  const PROGRAMS = [
    'gpu_check/cuda_kernels_gpu_test',
    'gpu_check/gpu_session_check',
    'gpu_check/soak_check',
    'gpu_check/fault_check',
    'llm2clip_torchscript.so',
    'llm2clip_torchscript_cuda.so',
    ...['batching', 'serving', 'memory', 'staging', 'engine'].map(
      (subject) => `tests/${subject}_test`,
    ),
  ];

  /** A build whose programs print their arguments as JSON, but for those given. */
  function fakeBuild(programs: { [name: string]: string } = {}): string {
    const build = temporaryFolder();
    for (const name of PROGRAMS) {
      const body = programs[name] ?? 'echo "{\\"arguments\\": \\"$*\\"}"';
      write(join(build, 'Release', name), `#!/bin/sh\n${body}\n`, 0o755);
    }
    return build;
  }

  function gpuCheck(build: string, ...options: string[]) {
    const script = join(ROOT, 'scripts/gpu-check.sh');
    return spawnSync('bash', [script, '--build', build, ...options], {
      encoding: 'utf8',
      env: { ...process.env, LLM2CLIP_LIBTORCH: build, CUDA_HOME: build },
    });
  }

  const names = ({ steps }: GpuRecord) => steps.map(({ name, status }) => `${name} ${status}`);

  test('goes on after a step that fails, and a later run of some is added', () => {
    const out = join(temporaryFolder(), 'record.json');
    const broken = fakeBuild({ 'gpu_check/cuda_kernels_gpu_test': 'echo no GPU >&2; exit 3' });
    const first = gpuCheck(broken, '--out', out, '--steps', 'kernels,fault-*');
    assert.equal(first.status, 1, first.stderr);
    assert.deepEqual(names(readRecord(out)), [
      'kernels failed',
      'fault-memory-at-open ok',
      'fault-memory-at-run ok',
      'fault-device-lost ok',
    ]);
    const [kernels, fault] = readRecord(out).steps;
    assert.deepEqual([kernels?.reason, kernels?.lastLines], ['exit code 3', ['no GPU']]);
    assert.match(JSON.stringify(fault?.result), /memory-at-open/);
    const second = gpuCheck(fakeBuild(), '--out', out, '--steps', 'kernels,soak');
    assert.equal(second.status, 0, second.stderr);
    assert.deepEqual(names(readRecord(out)), [
      'kernels ok',
      'fault-memory-at-open ok',
      'fault-memory-at-run ok',
      'fault-device-lost ok',
      'soak ok',
    ]);
    // What has run is not forgotten for a step that is skipped later.
    gpuCheck(fakeBuild(), '--out', out, '--steps', 'kernels,soak', '--minutes', '0');
    assert.deepEqual(names(readRecord(out)).slice(0, 1), ['kernels ok']);
    assert.deepEqual(names(readRecord(out)).slice(-1), ['soak ok']);
  });

  test('begins nothing when its time is over', () => {
    const out = join(temporaryFolder(), 'record.json');
    const { status, stderr } = gpuCheck(fakeBuild(), '--out', out, '--minutes', '0', '--quick');
    assert.equal(status, 0, stderr);
    const { steps } = readRecord(out);
    assert.ok(steps.length > 10);
    assert.ok(steps.every((step) => step.status === 'skipped'));
    assert.equal(steps[0]?.reason, 'the 0 minutes are over');
  });

  test('says what it would run, and writes nothing', () => {
    const build = fakeBuild();
    const out = join(build, 'record.json');
    const all = gpuCheck(build, '--out', out, '--dry-run');
    assert.equal(all.status, 0, all.stderr);
    for (const name of ['kernels-racecheck', 'session-siglip2-small', 'soak', 'pytorch-fp16']) {
      assert.match(all.stdout, new RegExp(`^${name} \\(at most \\d+ s\\): `, 'm'));
    }
    const quick = gpuCheck(build, '--out', out, '--dry-run', '--quick');
    assert.doesNotMatch(quick.stdout, /racecheck|session-large|pytorch/);
    assert.match(quick.stdout, /^session-eva02-small /m);
    assert.throws(() => readFileSync(out), /ENOENT/);
  });

  test('refuses an option that it does not know', () => {
    const { status, stdout } = gpuCheck(fakeBuild(), '--slow');
    assert.equal(status, 2);
    assert.match(stdout, /--steps A,B/);
  });
});
