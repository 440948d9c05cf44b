#!/usr/bin/env node
// Stands in for node-gyp, the only build tool that prebuildify can drive: builds through the
// project's set-up (cmake-js) and leaves the results in build/Release of the folder it is called in.
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { attach, ROOT } from '../command.mjs';

const status = await attach(process.execPath, ['scripts/setup.mjs', '--cuda']);
if (status !== 0) process.exit(status);

const built = join(ROOT, 'build/Release');
const wanted = join(process.cwd(), 'build/Release');
mkdirSync(wanted, { recursive: true });
for (const name of readdirSync(built)) {
  if (/\.(node|so)$/.test(name)) copyFileSync(join(built, name), join(wanted, name));
}
