// Tests the record that bench/gpu/record.py makes from the steps that scripts/gpu-check.sh ran.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readRecord } from './support/gpu-record.mts';
import { temporaryFolder } from './support/temporary.mts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

describe('the record of a GPU', () => {
  /** The steps that ran: their names with what each printed, or a failure. */
  type Ran = { [name: string]: { out?: string; err?: string; status?: string; reason?: string } };

  function record(out: string, gpu: string, ran: Ran) {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'gpu'), `${gpu}\n`);
    const lines = Object.entries(ran).map(([name, { out, err, status = 'ok', reason = '' }]) => {
      writeFileSync(join(folder, `${name}.out`), out ?? '');
      writeFileSync(join(folder, `${name}.err`), err ?? '');
      const command = `/opt/some/where/check --folder=${folder}/x small`;
      return `${name}\t${status}\t3\t${reason}\twhether it works\t${command}\n`;
    });
    writeFileSync(join(folder, 'steps'), lines.join(''));
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

  test('compares the steps that ran on one GPU, and says which goals are met', () => {
    const out = join(temporaryFolder(), 'record.json');
    const { status, stderr } = record(out, 'H', {
      'session-large-fp16': { out: session(time(1, 800), time(8, 1500), time(64, 2000)) },
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

  test('keeps the steps of earlier runs, and never compares different GPUs', () => {
    const out = join(temporaryFolder(), 'record.json');
    record(out, 'H', { 'session-large-fp16': { out: session(time(64, 2000)) }, kernels: {} });
    record(out, 'G', { 'pytorch-fp16': { out: peer(time(64, 1000)) } });
    const other = readRecord(out);
    assert.deepEqual(
      other.steps.map(({ name, gpu }) => [name, gpu]),
      [
        ['session-large-fp16', 'H'],
        ['kernels', 'H'],
        ['pytorch-fp16', 'G'],
      ],
    );
    assert.equal(other.gates[0]?.met, null);
    record(out, 'H', { 'pytorch-fp16': { out: peer(time(64, 1000)) } });
    const same = readRecord(out);
    assert.equal(same.steps.length, 3);
    assert.deepEqual([same.gates[0]?.found, same.gates[0]?.met], [2, true]);
    // A step that was cut short keeps the results it had, unless an earlier run completed it.
    record(out, 'H', {
      'pytorch-fp16': { status: 'cut', out: peer(time(64, 4000)) },
      'torch-compile-fp16': { status: 'cut', out: peer(time(64, 1600)) },
    });
    const { gates, steps } = readRecord(out);
    assert.deepEqual([gates[0]?.found, gates[1]?.found], [2, 1.25]);
    assert.equal(steps.at(-1)?.status, 'cut');
  });

  test("holds the last lines of a failure, without the machine's folders", () => {
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
    assert.equal(kernels?.decides, 'whether it works');
    assert.deepEqual([soak?.result, soak?.lastLines], [{ error: 'no x.so' }, ['grew']]);
    assert.deepEqual([texts?.status, texts?.reason], ['skipped', 'expected x.so, found none']);
  });
});
