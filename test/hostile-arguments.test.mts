// Native functions rely on nothing that lib has checked: whatever they are given they refuse, or
// take, and never read beyond their memory.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fakePackage } from './support/fake-engine.mts';
import { temporaryFolder } from './support/temporary.mts';

const PROGRAM = fileURLToPath(new URL('./support/hostile-arguments.mts', import.meta.url));

test('arguments of every wrong kind are refused by every native function', (t) => {
  const folder = temporaryFolder();
  const path = fakePackage(join(folder, 'package'));
  // In a process of its own: what reads beyond its memory ends it.
  const child = spawnSync(process.execPath, ['--import', 'tsx', PROGRAM, path, folder], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const lines = child.stdout.trim().split('\n');
  const ended = `${child.signal ?? child.status} at ${lines.at(-1)}\n${child.stderr}`;
  assert.equal(child.status, 0, ended);
  const { cases, faults } = JSON.parse(lines.at(-1) as string);
  t.diagnostic(`${cases} wrong arguments`);
  assert.deepEqual(faults, []);
  assert.ok(cases > 1000);
});
