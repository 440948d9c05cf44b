import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { outcomeOf } from './fuzz/outcome.mts';

const FUZZER = join(import.meta.dirname, 'fuzz/checkpoint.mts');

it('five seconds of mutated checkpoints end in typed errors', { timeout: 600_000 }, async () => {
  const args = ['--import', 'tsx', FUZZER, '--seconds', '5', '--seed', '1'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const { parsed, resolved, refused } = JSON.parse(stdout);
  // All three, or the mutations would be too weak or too strong to tell anything.
  for (const count of [parsed, resolved, refused]) assert.ok(count > 10, stdout);
});

it('the fuzzer tells a bug from a refusal', () => {
  assert.equal(outcomeOf(Buffer.from('not a checkpoint'), []), 'refused');
  const broken = new Proxy(Buffer.alloc(64), {
    get: () => {
      throw new TypeError('bug');
    },
  });
  assert.throws(() => outcomeOf(broken, []), TypeError);
});
