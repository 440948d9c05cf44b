// Installs node_modules as in package-lock.json.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture, ROOT } from '../command.mjs';

export const packages = {
  name: 'packages',
  isDone() {
    const wanted = readPackages('package-lock.json');
    // npm writes this file last, when everything is in place.
    const installed = readPackages('node_modules/.package-lock.json');
    return Object.entries(wanted).every(([path, { version, optional }]) => {
      if (path === '') return true;
      // Optional packages are the binaries for other platforms.
      return path in installed ? installed[path].version === version : optional === true;
    });
  },
  async run() {
    await capture('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
  },
};

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(join(ROOT, path), 'utf8')).packages;
  } catch {
    return {};
  }
}
