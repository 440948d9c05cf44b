// Tests that long native work has threads of its own: it does not delay file access and name
// look-ups on libuv's threads, and does not keep a worker or the process from ending.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fakePackage } from './support/fake-engine.mts';
import { temporaryFolder } from './support/temporary.mts';

const PROGRAM = fileURLToPath(new URL('./support/held-opening.mts', import.meta.url));
/** Longer than any test takes unless it hangs. */
const HANG_MS = 600_000;

const folder = temporaryFolder();
const path = join(folder, 'package');
before(() => fakePackage(path));

/** Returns how a process with a single libuv thread ends. */
function end(way: string) {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', PROGRAM, path, folder, way],
    {
      encoding: 'utf8',
      env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
      timeout: HANG_MS,
      killSignal: 'SIGKILL',
    },
  );
  assert.equal(signal, null, stderr);
  return { status, over: stdout === 'over\n' };
}

describe('while an engine opens', () => {
  test('files are read and names are looked up', () => {
    assert.deepEqual(end('files and names'), { status: 0, over: true });
  });

  test('a worker can be terminated', () => {
    assert.deepEqual(end('terminate'), { status: 0, over: true });
  });

  for (const way of ['exit', 'terminate and exit', 'exit beside a worker']) {
    test(`the process can end: ${way}`, () => {
      assert.deepEqual(end(way), { status: 7, over: false });
    });
  }
});
