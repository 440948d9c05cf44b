import { readFileSync } from 'node:fs';
import { nameOfBytes } from '../files/path-bytes';

/** In the place of bytes that are no UTF-8 Node has this character, from which they do not come back. */
const REPLACED = '\ufffd';

/** The arguments of this command; names of files that are no UTF-8 as path-bytes.ts has them. */
export function commandArguments(): string[] {
  const found = process.argv.slice(2);
  if (!found.some((argument) => argument.includes(REPLACED))) return found;
  const whole = readFileSync('/proc/self/cmdline');
  const all: string[] = [];
  for (let begin = 0; begin < whole.length; ) {
    const end = whole.indexOf(0, begin);
    all.push(nameOfBytes(whole.subarray(begin, end)));
    begin = end + 1;
  }
  return all.slice(all.length - found.length);
}
