// Makes a PATH that lacks some programs.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { which } from '../command.mjs';

/**
 * Leaves out the programs whose names begin with one of `names`. `pip` also hides Python's module.
 */
export function pathWithout(folder, names) {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const from of (process.env.PATH ?? '').split(delimiter).filter((path) => existsSync(path))) {
    for (const name of readdirSync(from)) {
      const target = join(bin, name);
      if (names.some((one) => name.startsWith(one)) || existsSync(target)) continue;
      symlinkSync(join(from, name), target);
    }
  }
  if (names.includes('pip')) hidePip(bin);
  return bin;
}

/** Makes a python3 that cannot import pip. */
function hidePip(bin) {
  const python = which('python3');
  if (!python) return;
  const program = join(bin, 'python3');
  const script = `#!/bin/sh
case " $* " in
  *' -m pip '* | *'import'*'pip'*) echo "$0: No module named pip" >&2; exit 1 ;;
esac
exec ${python} "$@"
`;
  rmSync(program, { force: true });
  writeFileSync(program, script);
  chmodSync(program, 0o755);
}
