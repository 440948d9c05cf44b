// Tests that native functions do not rely on checks in lib: they refuse or accept any arguments,
// and never read beyond their memory.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fakePackage } from './support/fake-engine.mts';
import { temporaryFolder } from './support/temporary.mts';

const PROGRAM = fileURLToPath(new URL('./support/hostile-arguments.mts', import.meta.url));

test('every native function refuses arguments of every wrong kind', (t) => {
  const folder = temporaryFolder();
  const path = fakePackage(join(folder, 'package'));
  // Runs in a process of its own, because a read beyond the memory would end the process.
  const child = spawnSync(process.execPath, ['--import', 'tsx', PROGRAM, path, folder], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const last = readFileSync(join(folder, 'begun'), 'utf8').trim().split('\n').at(-1);
  assert.equal(child.status, 0, `${child.signal ?? child.status} at ${last}\n${child.stderr}`);
  const { cases, faults } = JSON.parse(child.stdout);
  t.diagnostic(`${cases} wrong arguments`);
  assert.deepEqual(faults, []);
  assert.ok(cases > 1000);
});
