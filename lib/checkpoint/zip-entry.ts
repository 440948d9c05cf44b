import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import type { ByteSource } from './byte-source';

/** A stored file in a zip archive. */
export interface ZipEntry {
  name: string;
  flags: number;
  method: number;
  /** CRC-32 of the data. */
  crc: number;
  /** Size of the data, in bytes. */
  size: number;
  /** Offset of the local header in the file, in bytes. */
  headerAt: number;
  /** Offset of the data in the file, in bytes. */
  offset: number;
}

const ZIP64_EXTRA = 1;
const IN_EXTRA = 0xffffffff;

/**
 * Replaces each 32-bit field with the value 0xFFFFFFFF by the next 64-bit field of the zip64 extra
 * field. `fields` are in the order of the extra field: size, compressed size, offset of the header.
 */
export function zip64Sizes(
  source: ByteSource,
  name: string,
  fields: number[],
  extra: Buffer,
): number[] {
  if (!fields.includes(IN_EXTRA)) return fields;
  const wide = zip64Extra(extra);
  let at = 0;
  return fields.map((field) => {
    if (field !== IN_EXTRA) return field;
    if (wide === undefined || at + 8 > wide.length) {
      throw damagedZip(source, `${quote(name)} lacks its zip64 sizes`);
    }
    const value = exactInteger(source, wide.readBigUInt64LE(at));
    at += 8;
    return value;
  });
}

function zip64Extra(extra: Buffer): Buffer | undefined {
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === ZIP64_EXTRA) return extra.subarray(at + 4, end);
    at = end;
  }
  return undefined;
}

export function exactInteger(source: ByteSource, value: bigint): number {
  if (value > BigInt(source.size)) {
    throw damagedZip(source, `a zip64 field says ${value}, the file has ${source.size} bytes`);
  }
  return Number(value);
}

export function damagedZip(source: ByteSource, problem: string): LLM2CLIPError {
  return new LLM2CLIPError(
    'ERR_CHECKPOINT_FORMAT',
    `${source.path} is not a valid torch file: as a zip archive, ${problem}`,
  );
}
