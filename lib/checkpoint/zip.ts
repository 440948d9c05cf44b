import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import type { ByteSource } from './byte-source';
import { MAX_CENTRAL_DIRECTORY_BYTES, MAX_RECORDS } from './limits';
import { type Directory, findDirectory } from './zip-directory';
import { damagedZip, type ZipEntry, zip64Sizes } from './zip-entry';

const CENTRAL_HEADER = 0x02014b50;
const CENTRAL_BYTES = 46;
const LOCAL_HEADER = 0x04034b50;
const LOCAL_BYTES = 30;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const STORED = 0;
const ENCRYPTED = 1 << 0;
/** Flag: sizes and checksum follow the data, and are not in the local header. */
const DATA_DESCRIPTOR = 1 << 3;

/**
 * Lists a zip archive by its central directory, without reading data. The archive must be as
 * torch.save writes it: entries are stored without compression, local headers agree with the
 * directory, names are unique and entries do not overlap. yauzl checks none of this, and it only reads
 * asynchronously.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_FORMAT, or ERR_CHECKPOINT_UNSUPPORTED for compression
 */
export function readZip(source: ByteSource): Map<string, ZipEntry> {
  const directory = findDirectory(source);
  if (directory.count > MAX_RECORDS || directory.size > MAX_CENTRAL_DIRECTORY_BYTES) {
    throw damagedZip(source, `it lists ${directory.count} entries, more than ${MAX_RECORDS}`);
  }
  const entries = new Map<string, ZipEntry>();
  const bytes = source.read(directory.start, directory.size);
  let at = 0;
  for (let i = 0; i < directory.count; i++) {
    const { entry, length } = centralEntry(source, bytes.subarray(at));
    if (entries.has(entry.name)) throw damagedZip(source, `${quote(entry.name)} is there twice`);
    entries.set(entry.name, entry);
    at += length;
  }
  if (at !== bytes.length) throw damagedZip(source, 'its central directory has another length');
  locateData(source, [...entries.values()], directory);
  return entries;
}

function centralEntry(source: ByteSource, bytes: Buffer): { entry: ZipEntry; length: number } {
  if (bytes.length < CENTRAL_BYTES || bytes.readUInt32LE(0) !== CENTRAL_HEADER) {
    throw damagedZip(source, 'its central directory is cut short');
  }
  const nameEnd = CENTRAL_BYTES + bytes.readUInt16LE(28);
  const extraEnd = nameEnd + bytes.readUInt16LE(30);
  const length = extraEnd + bytes.readUInt16LE(32);
  if (length > bytes.length) throw damagedZip(source, 'its central directory is cut short');
  const name = decodeName(source, bytes.subarray(CENTRAL_BYTES, nameEnd));
  const [size, compressedSize, headerAt] = zip64Sizes(
    source,
    name,
    [bytes.readUInt32LE(24), bytes.readUInt32LE(20), bytes.readUInt32LE(42)],
    bytes.subarray(nameEnd, extraEnd),
  );
  const entry = {
    name,
    flags: bytes.readUInt16LE(8),
    method: bytes.readUInt16LE(10),
    crc: bytes.readUInt32LE(16),
    size: size ?? 0,
    headerAt: headerAt ?? 0,
    offset: 0,
  };
  checkStored(source, entry, compressedSize ?? 0);
  return { entry, length };
}

function checkStored(source: ByteSource, entry: ZipEntry, compressedSize: number): void {
  if (entry.method !== STORED || (entry.flags & ENCRYPTED) !== 0) {
    throw new LLM2CLIPError(
      'ERR_CHECKPOINT_UNSUPPORTED',
      `${quote(entry.name)} in ${source.path} is compressed or encrypted (method ${entry.method}); ` +
        'torch.save stores its records as they are: save the checkpoint again with it',
    );
  }
  if (compressedSize !== entry.size) {
    throw damagedZip(source, `${quote(entry.name)} is stored, yet has two different sizes`);
  }
}

function decodeName(source: ByteSource, bytes: Buffer): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw damagedZip(source, 'the name of an entry is not valid UTF-8');
  }
}

/** Sets the offset of each entry's data from its local header, and refuses overlaps. */
function locateData(source: ByteSource, entries: ZipEntry[], directory: Directory): void {
  let free = 0;
  let previous = '';
  for (const entry of entries.sort((a, b) => a.headerAt - b.headerAt)) {
    if (entry.headerAt < free) {
      throw damagedZip(source, `${quote(entry.name)} overlaps ${quote(previous)}`);
    }
    entry.offset = localDataOffset(source, entry, directory);
    free = entry.offset + entry.size;
    if (free > directory.start) {
      throw damagedZip(source, `${quote(entry.name)} runs into the central directory`);
    }
    previous = entry.name;
  }
}

function localDataOffset(source: ByteSource, entry: ZipEntry, directory: Directory): number {
  const nameAt = entry.headerAt + LOCAL_BYTES;
  const name = Buffer.from(entry.name);
  if (nameAt + name.length > directory.start) {
    throw damagedZip(source, `${quote(entry.name)} has no local header`);
  }
  const header = source.read(entry.headerAt, LOCAL_BYTES + name.length);
  const extraBytes = header.readUInt16LE(28);
  const offset = nameAt + name.length + extraBytes;
  if (
    header.readUInt32LE(0) !== LOCAL_HEADER ||
    header.readUInt16LE(26) !== name.length ||
    !header.subarray(LOCAL_BYTES).equals(name) ||
    offset > directory.start ||
    !sameDescription(source, entry, header, source.read(nameAt + name.length, extraBytes))
  ) {
    throw damagedZip(source, `local and central header of ${quote(entry.name)} differ`);
  }
  return offset;
}

function sameDescription(
  source: ByteSource,
  entry: ZipEntry,
  local: Buffer,
  extra: Buffer,
): boolean {
  const flags = local.readUInt16LE(6);
  if (flags !== entry.flags || local.readUInt16LE(8) !== entry.method) return false;
  const crc = local.readUInt32LE(14);
  const stored = [local.readUInt32LE(22), local.readUInt32LE(18)];
  if ((flags & DATA_DESCRIPTOR) !== 0 && crc === 0 && stored.every((size) => size === 0))
    return true;
  const [size, compressedSize] = zip64Sizes(source, entry.name, stored, extra);
  return crc === entry.crc && size === entry.size && compressedSize === entry.size;
}
