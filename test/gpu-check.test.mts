// Tests how scripts/gpu-check.sh runs its steps, with fake programs in place of a build's.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  bareTree,
  commandFor,
  endings,
  fakeBuild,
  gpuCheck,
  runTable,
} from './support/gpu-check.mts';
import { readRecord } from './support/gpu-record.mts';
import { temporaryFolder } from './support/temporary.mts';

/** Makes a command that runs until it is asked to end, and then prints its result. */
function endless(done: number, started = '/dev/null'): string {
  const path = join(temporaryFolder(), 'endless.sh');
  // `timeout` signals a program and then its group, so this program gets the signal twice.
  const lines = [
    `trap 'trap "" TERM; echo "{\\"done\\": ${done}}"; exit 1' TERM`,
    `touch ${started}`,
    'sleep infinity & wait',
  ];
  writeFileSync(path, lines.join('\n'));
  return `sh ${path}`;
}

describe('gpu-check', () => {
  test('continues after a step that fails, and adds a later run of some steps', () => {
    const out = join(temporaryFolder(), 'record.json');
    const broken = fakeBuild({ 'gpu_check/cuda_kernels_gpu_test': 'echo no GPU >&2; exit 3' });
    const first = gpuCheck(broken, '--out', out, '--steps', 'kernels,fault-*');
    assert.equal(first.status, 1, first.stderr);
    const faults = ['memory-at-run', 'device-lost', 'memory-at-open'].map(
      (fault) => `fault-${fault} ok`,
    );
    assert.deepEqual(endings(readRecord(out)), ['kernels failed: exit code 3', ...faults]);
    const [kernels, fault] = readRecord(out).steps;
    assert.deepEqual(kernels?.lastLines, ['no GPU']);
    assert.match(JSON.stringify(fault?.result), /memory-at-run/);
    assert.match(fault?.decides ?? '', /^whether a batch/);
    const second = gpuCheck(fakeBuild(), '--out', out, '--steps', 'kernels,soak');
    assert.equal(second.status, 0, second.stderr);
    assert.deepEqual(endings(readRecord(out)), ['kernels ok', ...faults, 'soak ok']);
  });

  test('a step that exceeds its limit is ended, and the others still run', () => {
    const { status, record } = runTable([
      "plan short 0 'x'",
      'grace_seconds=1',
      "beside stuck 1 'whether it ends' sleep infinity",
      // This program ignores the request to end.
      `beside deaf 1 'whether it ends' sh -c 'trap "" TERM; while :; do sleep 1; done'`,
      "alone after 100 'whether it runs' echo '{}'",
    ]);
    assert.equal(status, 1);
    assert.deepEqual(endings(record)?.sort(), [
      'after ok',
      'deaf failed: not done after 1 s',
      'stuck failed: not done after 1 s',
    ]);
  });

  test('no step continues or begins after the end of the plan', () => {
    const started = join(temporaryFolder(), 'started');
    const { status, stderr, record } = runTable(
      [
        "plan other 100 'x'",
        "alone foreign 100 'whether it stays out' true",
        // Sets the clock of the plan, whatever the script has done before.
        'SECONDS=0',
        "plan brief 500 'x'",
        // Replaces `timeout`: the time is over as soon as the step has begun.
        'timeout() { [ "$1" = --kill-after=10 ] && [ "$2" -gt 0 ] && [ "$2" -le 500 ] || return 9',
        'shift 2; "$@" &',
        `until [ -e ${started} ]; do sleep 0.1; done; kill $!; wait $! || true; return 124; }`,
        `alone stuck rest 'whether it is cut' ${endless(3, started)}`,
        'SECONDS=500',
        "alone late 100 'whether it begins' true",
      ],
      '--plan',
      'brief',
    );
    assert.equal(status, 0, stderr);
    assert.deepEqual(
      record?.steps.map(({ name, status }) => [name, status]),
      [
        ['stuck', 'cut'],
        ['late', 'skipped'],
      ],
    );
    assert.deepEqual(record?.steps[0]?.result, { done: 3 });
    assert.match(record?.steps[1]?.reason ?? '', /the 500 s of the plan are over/);
  });

  test('parallel steps run at the same time, and a step that runs alone waits for them', () => {
    const folder = temporaryFolder();
    // Each step waits until the other has begun.
    const meet = (mine: string, other: string) =>
      `sh -c 'touch ${mine}; until [ -e ${other} ]; do sleep 0.1; done; touch ${mine}-done'`;
    const [a, b] = [join(folder, 'a'), join(folder, 'b')];
    const { status, stdout, record } = runTable([
      "plan pairs 0 'x'",
      `beside one 100 'whether both run' ${meet(a, b)}`,
      `beside two 100 'whether both run' ${meet(b, a)}`,
      `alone three 100 'whether they have ended' cat ${a}-done ${b}-done`,
    ]);
    assert.equal(status, 0, stdout);
    assert.equal(endings(record)?.at(-1), 'three ok');
    assert.equal(record?.steps.length, 3);
  });

  test('the record is written after each step', () => {
    const { status, stdout } = runTable([
      "plan two 0 'x'",
      "alone one 100 'whether it runs' true",
      `alone two 100 'whether one is in the record' grep -q '"name": "one"' "$out"`,
    ]);
    assert.equal(status, 0, stdout);
  });

  test('a step whose file is missing is skipped with the remedy', () => {
    const { status, record } = runTable([
      "plan one 0 'x'",
      "needs /nowhere/library.so 'install it'",
      "alone missing 100 'whether it runs' true",
      "alone present 100 'whether it runs' true",
    ]);
    assert.equal(status, 0);
    assert.deepEqual(endings(record), [
      'missing skipped: expected library.so, found none: install it',
      'present ok',
    ]);
  });

  test('a signal ends the running steps and keeps their results', async () => {
    const folder = temporaryFolder();
    const [table, out, started] = ['steps.sh', 'record.json', 'started'].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    writeFileSync(
      table,
      [
        "plan long 500 'x'",
        "alone one 100 'whether it runs' true",
        `alone stuck 400 'whether it is stopped' ${endless(7, started)}`,
        "alone late 100 'whether it begins' true",
      ].join('\n'),
    );
    const build = fakeBuild();
    const { script, env } = commandFor(build);
    const args = [script, '--build', build, '--table', table, '--out', out, '--plan', 'long'];
    const child = spawn('bash', args, { env, stdio: 'ignore' });
    const exit = once(child, 'exit');
    while (!existsSync(started) && child.exitCode === null) await sleep(20);
    child.kill('SIGTERM');
    assert.deepEqual(await exit, [143, null]);
    const { steps } = readRecord(out);
    assert.deepEqual(endings(readRecord(out)), ['one ok', 'stuck cut: gpu-check was stopped']);
    assert.deepEqual(steps[1]?.result, { done: 7 });
  });

  test('takes its programs from the kit, if there is one', () => {
    const tree = bareTree();
    const build = fakeBuild();
    const content = join(temporaryFolder(), 'project/build');
    cpSync(build, content, { recursive: true });
    mkdirSync(join(tree, 'build/gpu-kit'), { recursive: true });
    const kit = join(tree, 'build/gpu-kit/kit.tar.xz');
    spawnSync('tar', ['-cJf', kit, '-C', join(content, '../..'), '.'], {
      env: { ...process.env, XZ_OPT: '-0' },
    });
    const { script, env, timeout } = commandFor(build, tree);
    const run = (...options: string[]) =>
      spawnSync('bash', [script, ...options], { encoding: 'utf8', env, timeout });
    const out = join(tree, 'record.json');
    const { status, stdout, stderr } = run('--out', out, '--steps', 'kernels,soak');
    assert.equal(status, 0, stdout + stderr);
    assert.deepEqual(endings(readRecord(out)), ['unpack-kit ok', 'kernels ok', 'soak ok']);
    const dry = run('--out', out, '--plan', 'second', '--dry-run');
    assert.match(dry.stdout, /WORK\/kit\/project\/build\/Release\/gpu_check\/soak_check/);
    assert.doesNotMatch(dry.stdout, /expected .*gpu_check/);
  });
});
