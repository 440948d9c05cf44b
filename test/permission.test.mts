// Tests Node's permission model with the permissions that README lists.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { locateLibtorch } from '#lib/runtime/locate';
import { fakePackage, fakeTextBundle } from './support/fake-engine.mts';
import { temporaryFolder } from './support/temporary.mts';

const ROOT = join(import.meta.dirname, '..');
const image = join(ROOT, 'test/fixtures/images/china.jpg');

test('images and texts are encoded under --permission', async () => {
  const folder = temporaryFolder();
  const path = fakePackage(join(folder, 'package'));
  const bundle = await fakeTextBundle(join(folder, 'bundle'), 0);
  const program = join(folder, 'program.cjs');
  writeFileSync(
    program,
    `const { LLM2CLIP } = require(${JSON.stringify(join(path, 'dist/index.js'))});
    LLM2CLIP.load(${JSON.stringify(bundle)}).then(async (model) => {
      const image = await model.encodeImage(${JSON.stringify(image)});
      const text = await model.encodeText('a photo');
      console.log(image.length === text.length);
      await model.dispose();
    });`,
  );
  const flag = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission';
  const { root } = await locateLibtorch();
  const read = [`${root}/`, `${folder}/`, `${ROOT}/`, '/proc/self/', '/etc/alpine-release'];
  const allowed = read.map((place) => `--allow-fs-read=${place}`);
  const args = ['--no-warnings', flag, '--allow-addons', '--allow-worker', ...allowed, program];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(stdout, 'true\n', stderr);
});
