// Converts file names between bytes and strings. A name that is not UTF-8 becomes a string as in
// Python (os.fsdecode, PEP 383): each byte from 0x80 to 0xff that belongs to no character becomes a
// lone surrogate, U+DC80 to U+DCFF. JSON keeps such strings unchanged.
import { isUtf8 } from 'node:buffer';
import { realpath } from 'node:fs/promises';

const ESCAPED_BYTE = /[\udc80-\udcff]/;
/** With the flag u, a surrogate that is part of a pair does not match. */
const LONE_SURROGATE = /[\udc80-\udcff]/u;

/**
 * Returns the length of a UTF-8 character by its first byte, or 0 if no character starts with it.
 */
function lengthOf(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 3;
  return first < 0xf5 ? 4 : 0;
}

/** Converts a file name to a string. {@link fileSystemPath} converts it back to the same bytes. */
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

/** Converts a path for Node's fs: to bytes if a string cannot represent it, else unchanged. */
export function fileSystemPath(path: string): string | Buffer {
  if (!ESCAPED_BYTE.test(path)) return path; // Nearly all paths need no conversion.
  const parts = Array.from(path, (character) =>
    LONE_SURROGATE.test(character)
      ? Buffer.of(character.charCodeAt(0) - 0xdc00)
      : Buffer.from(character),
  );
  return Buffer.concat(parts);
}

/**
 * Resolves all links in a path, so that each file has one name.
 *
 * @throws As Node's fs
 */
export async function realPath(path: string): Promise<string> {
  return nameOfBytes(await realpath(fileSystemPath(path), { encoding: 'buffer' }));
}
