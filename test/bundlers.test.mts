// Tests a program made by a bundler, with this package outside it and inside it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { temporaryFolder } from './support/temporary.mts';

const ROOT = join(import.meta.dirname, '..');

interface Esbuild {
  buildSync(options: object): unknown;
}

/** Finds esbuild, which tsx depends on. */
function findEsbuild(): Esbuild | undefined {
  try {
    return createRequire(import.meta.url)('esbuild') as Esbuild;
  } catch {
    return undefined;
  }
}

const esbuild = findEsbuild();
const PROGRAM = `
const { LLM2CLIP, VectorIndex } = require('llm2clip');
try {
  console.log(VectorIndex.create({ dim: 2 }).size);
} catch ({ code, message }) {
  console.log(code, message);
}`;

describe('a bundle by esbuild', { skip: !esbuild && 'expected esbuild, found none' }, () => {
  function run(external: string[]): string {
    const app = temporaryFolder();
    mkdirSync(join(app, 'node_modules'));
    symlinkSync(ROOT, join(app, 'node_modules/llm2clip'));
    writeFileSync(join(app, 'program.cjs'), PROGRAM);
    const outfile = join(app, 'out/bundled.cjs');
    const entryPoints = [join(app, 'program.cjs')];
    const options = { bundle: true, platform: 'node', logLevel: 'silent' };
    esbuild?.buildSync({ ...options, entryPoints, outfile, external });
    const { stdout, stderr } = spawnSync(process.execPath, [outfile], { encoding: 'utf8' });
    return stdout + stderr;
  }

  test('works if the package is external', () => assert.equal(run(['llm2clip']), '0\n'));

  test('says that the package must be external', () => {
    assert.match(run(['sharp']), /^ERR_RUNTIME_MISSING .*leave llm2clip out of the bundle/);
  });
});
