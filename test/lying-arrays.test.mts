// Tests callers' arrays that lie about their properties: only their memory counts.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fakePackage, fakeTextBundle } from './support/fake-engine.mts';
import { LIES } from './support/lying-arrays.mts';
import { temporaryFolder } from './support/temporary.mts';

const LIAR = fileURLToPath(new URL('./support/lie.mts', import.meta.url));

interface Case {
  name: string;
  lie: string;
  length: number;
  /** Whether its length is one that the call refuses. */
  wrong: boolean;
  honest: unknown;
  found: unknown;
}

const cases: Case[] = [];
let last = '';

before(async () => {
  const folder = temporaryFolder();
  const path = fakePackage(join(folder, 'package'));
  const bundle = await fakeTextBundle(join(folder, 'bundle'), 0);
  // Runs in a process of its own, because a read beyond the memory would end the process.
  const child = spawnSync(process.execPath, ['--import', 'tsx', LIAR, path, bundle], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  for (const line of child.stdout.split('\n').filter(Boolean)) {
    last = line;
    const value = JSON.parse(line) as Case | { begun: unknown };
    if (!('begun' in value)) cases.push(value);
  }
  const ended = `${child.signal ?? child.status} at ${last}\n${child.stderr}`;
  assert.equal(child.status, 0, ended);
});

describe('an array that lies about', () => {
  for (const lie of Object.keys(LIES)) {
    test(lie, () => {
      const told = cases.filter((one) => one.lie === lie);
      assert.ok(told.length > 0);
      for (const { name, length, wrong, honest, found } of told) {
        const about = `${name}, ${length} numbers`;
        if (wrong) assert.deepEqual(found, { code: 'ERR_INVALID_BUFFER' }, about);
        else assert.deepEqual(found, honest, about);
      }
    });
  }
});

test('arrays that do not lie are accepted', () => {
  const right = cases.filter(({ wrong }) => !wrong);
  assert.ok(right.length > 0);
  for (const { name, honest } of right) {
    assert.ok(Object.hasOwn(honest as object, 'result'), `${name}: ${JSON.stringify(honest)}`);
  }
});
