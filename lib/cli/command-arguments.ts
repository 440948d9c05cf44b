import { readFileSync } from 'node:fs';
import { nameOfBytes } from '../files/path-bytes';

/**
 * Node puts this character in place of bytes that are not UTF-8, so the bytes themselves are lost.
 */
const REPLACED = '\ufffd';

/**
 * Returns the arguments of this command. File names that are not UTF-8 are read from the kernel and
 * encoded as path-bytes.ts describes.
 */
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
