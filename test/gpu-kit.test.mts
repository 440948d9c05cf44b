// Tests that the kit for a machine with a GPU needs nothing else there: no Node, no packages and
// nothing of this folder.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { locateLibtorch } from '#lib/runtime/locate';
import { temporaryFolder } from './support/temporary.mts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const execute = promisify(execFile);
/** `as`, `cc` and `ld` are for a test that compiles libraries. */
const TOOLS = 'as bash cat cc cp dirname grep ld mkdir paste realpath tr'.split(' ');

const LIBRARY = 'libtensorrt_rtx.so.1';

/** Two tests, one of which fails. */
const FAILING = `
  import { test } from 'node:test';
  import { DEVICE } from './support/device.mts';
  test('passes', () => {});
  test('fails', () => {
    throw new Error('no device ' + DEVICE);
  });`;

interface Record {
  node: string;
  device: string;
  passed: number;
  failed: number;
  files: { [file: string]: { passed: number } };
  failures: { file: string; test: string; reason: string[] }[];
}

describe('npm run gpu-kit', () => {
  const folder = temporaryFolder();
  const [kit, bare] = [join(folder, 'kit.tar.xz'), join(folder, 'bare')];
  const unpacked = join(bare, 'kit');
  let libtorch: string;
  let python: string;
  let said: string;

  /** Runs the kit on a machine that has only a few tools and the scripts of the tree. */
  async function runKit(...words: string[]): Promise<{ record: Record; code: number }> {
    const script = join(bare, 'scripts', 'run.sh');
    const env = { PATH: join(bare, 'bin'), PYTHON: python, LLM2CLIP_LIBTORCH: libtorch };
    const args = [script, kit, unpacked, ...words];
    const ran = execute(join(bare, 'bin/bash'), args, { cwd: bare, env, maxBuffer: 2 ** 24 });
    const { stdout, code } = await ran.then(
      (done) => ({ stdout: done.stdout, code: 0 }),
      (error: { stdout: string; code: number }) => error,
    );
    return { record: JSON.parse(stdout), code };
  }

  before(async () => {
    libtorch = (await locateLibtorch()).root;
    // Not by its name, which may be a script that searches for the real Python.
    const { stdout } = await execute('python3', ['-c', 'import sys; print(sys.executable)']);
    python = stdout.trim();
    for (const name of ['bin', 'scripts']) mkdirSync(join(bare, name), { recursive: true });
    for (const tool of TOOLS) {
      const { stdout } = await execute('sh', ['-c', `command -v ${tool}`]);
      symlinkSync(stdout.trim(), join(bare, 'bin', tool));
    }
    for (const name of ['run.sh', 'unpack.py']) {
      copyFileSync(join(ROOT, 'scripts/gpu-kit', name), join(bare, 'scripts', name));
    }
    writeFileSync(join(folder, LIBRARY), 'a library');
    const words = ['scripts/gpu-kit.mjs', '--out', folder, '--level', '0'];
    const env = { ...process.env, TENSORRT_RTX_ROOT: folder };
    said = (await execute(process.execPath, words, { cwd: ROOT, env })).stdout;
  });

  test('also makes an archive of TensorRT for RTX, and says what to run', async () => {
    const unpacked = join(folder, 'tensorrt-rtx');
    const script = join(ROOT, 'scripts/gpu-kit/unpack.py');
    await execute('python3', [script, `${unpacked}.tar.xz`, unpacked]);
    assert.equal(readFileSync(join(unpacked, LIBRARY), 'utf8'), 'a library');
    for (const line of [
      '/kit.tar.xz: ',
      '/tensorrt-rtx.tar.xz: ',
      '--plan first',
      '--plan second',
    ]) {
      assert.ok(said.includes(line), said);
    }
  });

  test('runs tests with the Node in the kit, and reports their results', async () => {
    const names = ['deadline', 'engine'];
    const { record, code } = await runKit('suite', '--device', 'cpu', ...names);
    assert.deepEqual(record.failures, []);
    assert.equal(code, 0);
    assert.equal(record.node, join(unpacked, 'node'));
    assert.deepEqual(
      Object.keys(record.files).sort(),
      names.map((name) => `${name}.test.mts`),
    );
    assert.ok(record.passed >= 10 && record.failed === 0, JSON.stringify(record));
  });

  test('a failure is named with its reason', async () => {
    const file = join(unpacked, 'project/test/failing.test.mts');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, FAILING);
    const { record, code } = await runKit('suite', '--device', 'cuda:98', 'failing');
    assert.equal(code, 1);
    assert.equal(record.device, 'cuda:98');
    assert.deepEqual([record.passed, record.failed], [1, record.failures.length]);
    const [failure] = record.failures;
    assert.deepEqual([failure?.file, failure?.test], ['failing.test.mts', 'fails']);
    assert.match(failure?.reason.join('\n') ?? '', /device cuda:98/);
  });
});
