import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { writeFiles } from './support/fake-runtime.mts';
import { temporaryFolder } from './support/temporary.mts';

const TOOLCHAIN = join(import.meta.dirname, '../scripts/toolchain.mjs');
const TENSORRT = join(import.meta.dirname, '../scripts/setup/tensorrt.mjs');

/** Returns what the set-up reports on a machine with these programs (name → its output). */
async function missingTools(programs: Record<string, string>): Promise<string | undefined> {
  const path = temporaryFolder();
  for (const [name, answer] of Object.entries(programs)) {
    writeFiles(path, { [name]: `#!/bin/sh\necho '${answer}'\n` });
    chmodSync(join(path, name), 0o755);
  }
  const script = `import { findMissingTools } from ${JSON.stringify(TOOLCHAIN)};
    console.log(JSON.stringify({ missing: await findMissingTools() }));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', script],
    { env: { PATH: path } },
  );
  return JSON.parse(stdout).missing;
}

const COMPLETE = {
  'g++': '12.2.0',
  cmake: 'cmake version 3.22.1',
  python3: '3.9 with pip 23.0',
  make: '',
};

describe('the set-up', () => {
  it('accepts the oldest supported tools', async () => {
    assert.equal(await missingTools(COMPLETE), undefined);
  });

  it('names every missing tool in one line', async () => {
    const missing = await missingTools({});
    assert.match(
      missing ?? '',
      /^missing: g\+\+ 12 .*CMake 3\.22 .*Python 3\.9 .*pip.*ninja or make/,
    );
    assert.doesNotMatch(missing ?? '', /\n/);
  });

  it('names a tool that is too old, and its version', async () => {
    const old = { 'g++': '11.4.0', cmake: 'cmake version 3.18.4', python3: '3.8 with pip 20.0' };
    for (const [name, answer] of Object.entries(old)) {
      const missing = (await missingTools({ ...COMPLETE, [name]: answer })) ?? '';
      const version = /[\d.]+/.exec(answer)?.[0] ?? '';
      assert.match(missing, new RegExp(`^missing: [^;]+\\(found ${version}\\)$`));
    }
  });

  for (const [status, outcome] of [
    [0, { isDone: false, name: 'TensorRT headers' }],
    [1, { isDone: true, name: 'TensorRT left out, as there is no cargo that works' }],
  ] as const) {
    it(`fetches TensorRT's headers by a cargo that ends with ${status}, or builds without them`, async () => {
      const path = temporaryFolder();
      writeFiles(path, { cargo: `#!/bin/sh\nexit ${status}\n` });
      chmodSync(join(path, 'cargo'), 0o755);
      const script = `import { tensorrt } from ${JSON.stringify(TENSORRT)};
        console.log(JSON.stringify({ isDone: tensorrt.isDone(), name: tensorrt.name }));`;
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--input-type=module', '-e', script],
        { env: { PATH: path, LLM2CLIP_CACHE: temporaryFolder() } },
      );
      const { isDone, name } = JSON.parse(stdout) as { isDone: boolean; name: string };
      assert.equal(isDone, outcome.isDone);
      assert.ok(name.startsWith(outcome.name), name);
    });
  }

  it('names a Node that is too old', async () => {
    const script = `import { describeOldNode } from ${JSON.stringify(TOOLCHAIN)};
      console.log(['18.20.4', '20.18.3', '20.19.0', '24.0.0'].map((v) => describeOldNode(v) ?? 'fine').join('\\n'));`;
    const args = ['--input-type=module', '-e', script];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    assert.deepEqual(stdout.trim().split('\n'), [
      'missing: Node.js 20.19 or newer (found 18.20.4)',
      'missing: Node.js 20.19 or newer (found 20.18.3)',
      'fine',
      'fine',
    ]);
  });
});
