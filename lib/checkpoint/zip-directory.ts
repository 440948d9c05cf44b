import type { ByteSource } from './byte-source';
import { damagedZip, exactInteger } from './zip-entry';

/** Position of a zip archive's central directory, in bytes from the beginning of the file. */
export interface Directory {
  start: number;
  size: number;
  count: number;
}

const END = 0x06054b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
const ZIP64_LOCATOR = 0x07064b50;
const ZIP64_LOCATOR_BYTES = 20;
const ZIP64_END = 0x06064b50;
const ZIP64_END_BYTES = 56;

/** Reads the end-of-central-directory record, and the zip64 one if there is one. */
export function findDirectory(source: ByteSource): Directory {
  const endAt = findEnd(source);
  const end = source.read(endAt, END_BYTES);
  const narrow = {
    count: end.readUInt16LE(10),
    size: end.readUInt32LE(12),
    start: end.readUInt32LE(16),
  };
  const disks = [end.readUInt16LE(4), end.readUInt16LE(6)];
  if (disks.some((disk) => disk !== 0 && disk !== 0xffff)) throw damagedZip(source, 'it is split');
  if (end.readUInt16LE(8) !== narrow.count) throw damagedZip(source, 'its counts differ');
  const wide = findZip64End(source, endAt);
  const limit = wide?.at ?? endAt;
  const directory = wide?.directory ?? narrow;
  if (wide !== undefined && !agrees(narrow, directory)) {
    throw damagedZip(source, 'its zip64 and its plain end record differ');
  }
  if (directory.start + directory.size !== limit) {
    throw damagedZip(source, 'its central directory is not where its end record says');
  }
  return directory;
}

/** Finds the end record. It searches backwards, because a comment may follow the record. */
function findEnd(source: ByteSource): number {
  const length = Math.min(source.size, END_BYTES + LONGEST_COMMENT);
  const tail = source.read(source.size - length, length);
  for (let at = length - END_BYTES; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END) continue;
    if (at + END_BYTES + tail.readUInt16LE(at + 20) === length) return source.size - length + at;
  }
  throw damagedZip(source, 'it has no central directory: the file is truncated');
}

function findZip64End(
  source: ByteSource,
  endAt: number,
): { at: number; directory: Directory } | undefined {
  const locatorAt = endAt - ZIP64_LOCATOR_BYTES;
  if (locatorAt < ZIP64_END_BYTES) return undefined;
  const locator = source.read(locatorAt, ZIP64_LOCATOR_BYTES);
  if (locator.readUInt32LE(0) !== ZIP64_LOCATOR) return undefined;
  const at = exactInteger(source, locator.readBigUInt64LE(8));
  if (at + ZIP64_END_BYTES > locatorAt) throw damagedZip(source, 'its zip64 record is misplaced');
  const end = source.read(at, ZIP64_END_BYTES);
  if (end.readUInt32LE(0) !== ZIP64_END || at + 12 + Number(end.readBigUInt64LE(4)) !== locatorAt) {
    throw damagedZip(source, 'its zip64 record is misplaced');
  }
  const directory = {
    count: exactInteger(source, end.readBigUInt64LE(32)),
    size: exactInteger(source, end.readBigUInt64LE(40)),
    start: exactInteger(source, end.readBigUInt64LE(48)),
  };
  return { at, directory };
}

/** Whether each plain field equals the zip64 one or refers to it. */
function agrees(narrow: Directory, wide: Directory): boolean {
  return (
    (narrow.count === 0xffff || narrow.count === wide.count) &&
    (narrow.size === 0xffffffff || narrow.size === wide.size) &&
    (narrow.start === 0xffffffff || narrow.start === wide.start)
  );
}
