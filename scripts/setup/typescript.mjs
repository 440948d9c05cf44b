// Compiles lib/ to dist/.
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
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
    await capture(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']);
    removeOrphans();
    // npx runs the project's own command only if it is executable.
    if (existsSync(COMMAND)) chmodSync(COMMAND, 0o755);
    stamp('typescript', value);
  },
};

function inputs() {
  return digest(['lib', 'tsconfig.json', 'node_modules/typescript/package.json']);
}

/** Removes outputs of deleted sources, which would otherwise be published. */
function removeOrphans() {
  const sources = new Set(readdirSync(join(ROOT, 'lib'), { recursive: true }));
  for (const name of readdirSync(DIST, { recursive: true })) {
    const source = name.replace(/(\.d)?\.(m?)[jt]s$/, '.$2ts');
    if (!sources.has(source)) rmSync(join(DIST, name), { recursive: true, force: true });
  }
}
