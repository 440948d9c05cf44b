// A PATH on which some programs are not.
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

/** Without any program whose name begins with one of these; `pip` takes Python's module with it. */
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

/** python3, but for its module pip. */
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
