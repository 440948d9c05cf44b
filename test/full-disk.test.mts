// Tests a disk that becomes full at any moment: the result is ERR_IO, nothing is left, and the
// process can continue.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { syntheticCheckpoint } from './support/checkpoints.mts';
import { temporaryFolder } from './support/temporary.mts';

const PROGRAM = fileURLToPath(new URL('./support/full-disk.mjs', import.meta.url));
const WITHOUT_PRLIMIT =
  spawnSync('prlimit', ['--version']).status !== 0 && 'expected prlimit of util-linux, found none';

const WRITERS = [
  'a bundle',
  'a portable bundle',
  'an imported bundle',
  'an index',
  'a text cache',
  'an .npy',
  'a .jsonl',
  'a record of a benchmark',
];

interface Line {
  size: number | null;
  whole: number;
  code: string;
  left: string[];
}

describe('a disk that becomes full at any byte of a write', { skip: WITHOUT_PRLIMIT }, () => {
  for (const writer of WRITERS) {
    test(writer, async () => {
      const folder = temporaryFolder();
      const checkpoint = await syntheticCheckpoint({
        ...{ preset: 'eva02-tiny', layout: 'official', format: 'safetensors' },
        ...{ dtype: 'f32', seed: 1 },
      });
      const args = [PROGRAM, folder, writer, checkpoint];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      const [said, complaint, [code, signal]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'close'),
      ]);
      assert.equal(code, 0, `${signal} after ${said}\n${complaint}`);
      const lines = said
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Line);
      const last = lines.pop();
      assert.deepEqual([last?.code, last?.left], ['written', ['other', 'result']]);
      assert.ok(lines.length > 5);
      for (const { size, whole, code: found, left } of lines) {
        const about = `at ${size} of ${whole} bytes`;
        assert.equal(found, 'ERR_IO', about);
        assert.deepEqual(left, [], about);
      }
    });
  }
});
