// Runs some thousand mutated inputs through each reader of outside files. test/fuzz/fuzz.mts runs
// millions.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { outcomeOfFile } from './fuzz/checkpoint-file.mts';

const FUZZER = join(import.meta.dirname, 'fuzz/fuzz.mts');
const INPUTS = 1000;

type Line = { target: string; seed: number; inputs: number; seconds: number } & Record<
  string,
  unknown
>;

describe('mutated inputs end in typed errors', () => {
  let lines: Line[];
  before(async () => {
    const args = ['--import', 'tsx', FUZZER, '--inputs', String(INPUTS), '--seed', '1'];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  });

  for (const file of readdirSync(join(import.meta.dirname, 'fuzz/targets'))) {
    const name = basename(file, '.mts');
    it(name, () => {
      const line = lines.find(({ target }) => target === name);
      assert.ok(line);
      const { target: _, seed: __, seconds: ___, inputs, ...outcomes } = line;
      assert.ok(inputs > 0.7 * INPUTS);
      // There must be more than one outcome, or the mutations would be too weak or too strong.
      const isTold = name === 'shards' || Object.keys(outcomes).length > 1;
      assert.ok(isTold, JSON.stringify(outcomes));
    });
  }
});

it('the fuzzer tells a bug from a refusal', () => {
  assert.equal(outcomeOfFile(Buffer.from('not a checkpoint')), 'refused');
  const broken = new Proxy(Buffer.alloc(64), {
    get: () => {
      throw new TypeError('bug');
    },
  });
  assert.throws(() => outcomeOfFile(broken), TypeError);
});
