import { crc32 } from 'node:zlib';
import { KEY_BYTES } from './text-key';
import type { VectorFormat } from './vector-format';

// A file of text vectors, little-endian: a header, then records of one length; see docs/formats.md.

const MAGIC = Buffer.from('L2CTEXTS', 'latin1');
const VERSION = 1;
export const HEADER_BYTES = 64;

/** Before every record, so that the next one is found after any damage. */
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

/** What a file is that does not begin with the header of this format; undefined of one that does. */
export function otherFile(header: Buffer, format: VectorFormat): string | undefined {
  const own = headerOf(format);
  if (header.equals(own)) return undefined;
  return header.subarray(0, MAGIC.length).equals(MAGIC)
    ? 'of another bundle or version, or damaged'
    : 'not of text vectors';
}

/** @param key Of KEY_BYTES characters, each a byte. */
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

/** Given a record; the vector's memory is written over by the next. */
export type OnRecord = (key: string, vector: Float32Array) => void;

/**
 * Finds the sound records in a piece of a file and passes over all else. Returns where what follows
 * the piece has to be read together with its end.
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
