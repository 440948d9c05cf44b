// csrc's own tests, run under this runner so that one summary holds all.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../build/Release/kernels_test', import.meta.url));

test('each fast kernel gives the numbers of its plain reference', (t) => {
  const { status, stdout, error } = spawnSync(PROGRAM, { encoding: 'utf8', timeout: 120_000 });
  assert.ifError(error);
  const lines = stdout.trim().split('\n');
  for (const line of lines.filter((text) => text.startsWith('skipped'))) t.diagnostic(line);
  assert.deepEqual(
    lines.filter((line) => line.startsWith('DIFFERS')),
    [],
  );
  assert.equal(status, 0);
  assert.ok(lines.filter((line) => line.startsWith('ok')).length >= 4);
});
