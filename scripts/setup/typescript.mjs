// dist/, compiled from lib/.
import { chmodSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { capture, ROOT } from '../command.mjs';
import { digest, isStamped, stamp } from '../stamp.mjs';

const DIST = join(ROOT, 'dist');
const COMMAND = join(DIST, 'cli/main.js');

export const typescript = {
  name: 'TypeScript',
  isDone() {
    return existsSync(join(DIST, 'index.js')) && isStamped('typescript', inputs());
  },
  async run() {
    const value = inputs();
    const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json', '--listEmittedFiles'];
    const output = await capture(process.execPath, tsc);
    removeOthers(output.matchAll(/^TSFILE: (.+)$/gm).map(([, path]) => resolve(ROOT, path)));
    // npx runs the project's own command only with its run bit.
    if (existsSync(COMMAND)) chmodSync(COMMAND, 0o755);
    stamp('typescript', value);
  },
};

function inputs() {
  return digest(['lib', 'tsconfig.json', 'node_modules/typescript/package.json']);
}

/** What is left of deleted sources would be published. */
function removeOthers(emitted) {
  const keep = new Set(emitted);
  if (keep.size === 0) return;
  for (const name of readdirSync(DIST, { recursive: true })) {
    const path = join(DIST, name);
    if (statSync(path).isFile() && !keep.has(path)) rmSync(path);
  }
}
