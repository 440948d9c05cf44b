// Puts the stripped addon and its plugins into prebuilds/ for publishing. It builds them first,
// including CUDA, or with --built takes those in build/Release.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { attach, ROOT } from './command.mjs';

/**
 * prebuildify strips and moves the files that it finds here. They are copies, so that the local
 * build stays complete.
 */
const STAGING = join(ROOT, 'build/prebuild');

const words = process.argv.slice(2);
if (words.some((word) => word !== '--built')) {
  console.error(`expected --built or nothing, found ${words.join(' ')}`);
  process.exit(2);
}
if (words.length === 0) {
  const status = await attach(process.execPath, ['scripts/setup.mjs', '--cuda']);
  if (status !== 0) process.exit(status);
} else if (!existsSync(join(ROOT, 'build/Release/llm2clip.node'))) {
  console.error('expected build/Release/llm2clip.node, found none; run npm run setup');
  process.exit(1);
}

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
