#!/usr/bin/env node
// Stands in for node-gyp, the only build tool that prebuildify can drive. The project's set-up has
// built everything before: this copies it to build/Release of the folder it is called in.
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../command.mjs';

const built = join(ROOT, 'build/Release');
const wanted = join(process.cwd(), 'build/Release');
mkdirSync(wanted, { recursive: true });
for (const name of readdirSync(built)) {
  if (/\.(node|so)$/.test(name)) copyFileSync(join(built, name), join(wanted, name));
}
