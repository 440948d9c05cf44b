import { crc32 } from 'node:zlib';
import { KEY_BYTES } from './text-key';
import type { VectorFormat } from './vector-format';

// The format of a file of text vectors: a header, then records of equal length, all little-endian.
// See docs/formats.md.

const MAGIC = Buffer.from('L2CTEXTS', 'latin1');
const VERSION = 1;
export const HEADER_BYTES = 64;

/** Mark before every record, by which a reader finds the next record after damage. */
const MARK = Buffer.from('L2CTVECT', 'latin1');
const CHECKSUM_BYTES = 4;

export function recordBytes(dim: number): number {
  return MARK.length + KEY_BYTES + 4 * dim + CHECKSUM_BYTES;
}

export function headerOf({ dim, digest }: VectorFormat): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(VERSION, 8);
  header.writeUInt32LE(dim, 12);
  header.write(digest, 16, 'hex');
  header.writeUInt32LE(crc32(header.subarray(0, -CHECKSUM_BYTES)), HEADER_BYTES - CHECKSUM_BYTES);
  return header;
}

/** Describes a file whose header is not of this format; returns undefined if the header matches. */
export function otherFile(header: Buffer, format: VectorFormat): string | undefined {
  const own = headerOf(format);
  if (header.equals(own)) return undefined;
  return header.subarray(0, MAGIC.length).equals(MAGIC)
    ? 'of another bundle or version, or damaged'
    : 'not of text vectors';
}

/**
 * Makes the record of a vector.
 *
 * @param key KEY_BYTES characters, one per byte.
 */
export function recordOf(key: string, vector: Float32Array): Buffer {
  const record = Buffer.allocUnsafe(recordBytes(vector.length));
  MARK.copy(record);
  record.write(key, MARK.length, 'latin1');
  const { buffer, byteOffset, byteLength } = vector;
  record.set(new Uint8Array(buffer, byteOffset, byteLength), MARK.length + KEY_BYTES);
  const checked = record.subarray(MARK.length, -CHECKSUM_BYTES);
  record.writeUInt32LE(crc32(checked), record.length - CHECKSUM_BYTES);
  return record;
}

/** Receives a record. The next record overwrites the vector's memory. */
export type OnRecord = (key: string, vector: Float32Array) => void;

/**
 * Finds the valid records in a piece of a file and skips everything else. Returns the offset of the
 * rest, which must be parsed again together with the next piece.
 */
export function parseRecords(bytes: Buffer, dim: number, onRecord: OnRecord): number {
  const length = recordBytes(dim);
  const vector = new Float32Array(dim);
  const memory = new Uint8Array(vector.buffer);
  for (let at = 0; ; ) {
    at = bytes.indexOf(MARK, at);
    if (at < 0) return Math.max(0, bytes.length - MARK.length + 1);
    if (at + length > bytes.length) return at;
    const record = bytes.subarray(at, at + length);
    const checked = record.subarray(MARK.length, -CHECKSUM_BYTES);
    if (crc32(checked) === record.readUInt32LE(length - CHECKSUM_BYTES)) {
      memory.set(checked.subarray(KEY_BYTES));
      onRecord(checked.toString('latin1', 0, KEY_BYTES), vector);
      at += length;
    } else {
      at += 1;
    }
  }
}
