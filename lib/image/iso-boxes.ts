/** A box of an ISO media file (ISO/IEC 14496-12). Its content is from `start` to `end`. */
export interface Box {
  type: string;
  /** Offset of the box's header. */
  at: number;
  start: number;
  end: number;
}

/** Limit for hostile files. A level of a real image file has about ten boxes. */
const MOST_BOXES = 4096;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function textAt(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}

/** Returns the boxes from `start` to `end`. It stops at a box that reaches beyond `end`. */
export function boxesOf(bytes: Uint8Array, start: number, end: number): Box[] {
  const view = viewOf(bytes);
  const boxes: Box[] = [];
  let at = start;
  while (at + 8 <= end && boxes.length < MOST_BOXES) {
    const stated = view.getUint32(at);
    const isLong = stated === 1;
    if (isLong && at + 16 > end) break;
    const size = isLong ? Number(view.getBigUint64(at + 8)) : stated === 0 ? end - at : stated;
    const header = isLong ? 16 : 8;
    if (size < header || at + size > end) break;
    boxes.push({ type: textAt(bytes, at + 4, 4), at, start: at + header, end: at + size });
    at += size;
  }
  return boxes;
}

/** Finds the first box below `parent` by a path of types. It skips the header of full boxes. */
export function findBox(bytes: Uint8Array, parent: Box, ...path: string[]): Box | undefined {
  let found: Box | undefined = parent;
  for (const type of path) {
    if (found === undefined) return undefined;
    const skipped: number = found.type === 'meta' ? 4 : 0;
    found = boxesOf(bytes, found.start + skipped, found.end).find((box) => box.type === type);
  }
  return found;
}

/** Makes a box from its type and contents. */
export function makeBox(type: string, ...contents: readonly (Uint8Array | number[])[]): Buffer {
  const content = Buffer.concat(contents.map((part) => Uint8Array.from(part)));
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 + content.length, 0);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, content]);
}

/** Encodes a number as big-endian bytes. */
export function uint(value: number, width: 2 | 4): number[] {
  const bytes = [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
  return bytes.slice(4 - width);
}
