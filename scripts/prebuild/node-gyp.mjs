#!/usr/bin/env node
// Replaces node-gyp, the only build tool that prebuildify can call. The project's setup has already
// built everything; this copies it to build/Release of the current folder.
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../command.mjs';

const built = join(ROOT, 'build/Release');
const wanted = join(process.cwd(), 'build/Release');
mkdirSync(wanted, { recursive: true });
for (const name of readdirSync(built)) {
  if (/\.(node|so)$/.test(name)) copyFileSync(join(built, name), join(wanted, name));
}
