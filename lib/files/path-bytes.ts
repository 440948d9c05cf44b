// File names are bytes. Those that are not UTF-8 travel through strings as Python has them
// (os.fsdecode, PEP 383): a byte that belongs to no character, 0x80 to 0xff, is the lone surrogate
// U+DC80 to U+DCFF. JSON keeps such strings as they are.
import { isUtf8 } from 'node:buffer';
import { realpath } from 'node:fs/promises';

const ESCAPED_BYTE = /[\udc80-\udcff]/;
/** With the flag u a surrogate that belongs to a pair does not match. */
const LONE_SURROGATE = /[\udc80-\udcff]/u;

/** Bytes that a character of UTF-8 takes, by its first byte; 0 where none begins so. */
function lengthOf(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 3;
  return first < 0xf5 ? 4 : 0;
}

/** A file's name as a string from which {@link fileSystemPath} gets its bytes back. */
export function nameOfBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let name = '';
  for (let at = 0; at < bytes.length; ) {
    const character = bytes.subarray(at, at + lengthOf(bytes[at] as number));
    if (character.length > 0 && isUtf8(character)) {
      name += character.toString('utf8');
      at += character.length;
    } else {
      name += String.fromCharCode(0xdc00 + (bytes[at] as number));
      at += 1;
    }
  }
  return name;
}

/** A path as Node's fs takes it: bytes where a string cannot say it. */
export function fileSystemPath(path: string): string | Buffer {
  if (!ESCAPED_BYTE.test(path)) return path; // the quick look that nearly all paths end with
  const parts = Array.from(path, (character) =>
    LONE_SURROGATE.test(character)
      ? Buffer.of(character.charCodeAt(0) - 0xdc00)
      : Buffer.from(character),
  );
  return Buffer.concat(parts);
}

/** A path without links: one name for each file, whatever links lead to it. @throws as Node's fs */
export async function realPath(path: string): Promise<string> {
  return nameOfBytes(await realpath(fileSystemPath(path), { encoding: 'buffer' }));
}
