// Puts the stripped addon and its plugins into prebuilds/, as they are published.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { attach, ROOT } from './command.mjs';

/** prebuildify strips and moves what it finds here: copies, so that the local build stays whole. */
const STAGING = join(ROOT, 'build/prebuild');

rmSync(STAGING, { recursive: true, force: true });
rmSync(join(ROOT, 'prebuilds'), { recursive: true, force: true });
mkdirSync(STAGING, { recursive: true });
process.exitCode = await attach('node_modules/.bin/prebuildify', [
  '--napi',
  '--strip',
  '--target=20.19.0',
  '--name=llm2clip',
  `--cwd=${STAGING}`,
  `--out=${ROOT}`,
  `--node-gyp=${join(ROOT, 'scripts/prebuild/node-gyp.mjs')}`,
]);
