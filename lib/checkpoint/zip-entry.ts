import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';
import type { ByteSource } from './byte-source';

/** One stored file of a zip archive. */
export interface ZipEntry {
  name: string;
  flags: number;
  method: number;
  /** CRC-32 of the data. */
  crc: number;
  /** Of the data, in bytes. */
  size: number;
  /** Of the local header, in bytes from the beginning of the file. */
  headerAt: number;
  /** Of the data, in bytes from the beginning of the file. */
  offset: number;
}

const ZIP64_EXTRA = 1;
const IN_EXTRA = 0xffffffff;

/**
 * Replaces each 32-bit field that says 0xFFFFFFFF by the next 64-bit one of the zip64 extra field.
 * `fields` come in the extra's order: size, compressed size, header's offset.
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
