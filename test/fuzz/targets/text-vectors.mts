/**
 * Files of text vectors. Whatever the damage, a reader must find only records that were written,
 * and the same ones for any division of the file into pieces.
 */
import assert from 'node:assert/strict';
import { textKey } from '#lib/text/text-key';
import { parseRecords, recordOf } from '#lib/text/vector-records';
import { numbered, vectorOf } from '../../support/text-vectors.mts';
import { mutateBytes } from '../byte-mutations.mts';
import { changed, type Target } from '../target.mts';

const RECORDS = 8;
const DIMS = [1, 2, 16, 63];
/** Sizes in bytes of the pieces in which a file is read. */
const PIECES = [1, 7, 64, 500];

type Found = [key: string, vector: string][];
const hex = (vector: Float32Array) =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('hex');

const FILES = DIMS.map((dim) => {
  const records = numbered(RECORDS).map((text) => {
    const [key, vector] = [textKey(text) ?? '', vectorOf(text, dim)];
    return { bytes: recordOf(key, vector), found: JSON.stringify([key, hex(vector)]) };
  });
  const bytes: Buffer = Buffer.concat(records.map((record) => record.bytes));
  return { dim, bytes, known: new Set(records.map(({ found }) => found)) };
});

function whole(bytes: Buffer, dim: number): Found {
  const found: Found = [];
  parseRecords(bytes, dim, (key, vector) => found.push([key, hex(vector)]));
  return found;
}

function inPieces(bytes: Buffer, dim: number, length: number): Found {
  const found: Found = [];
  let rest: Buffer = Buffer.alloc(0);
  for (let at = 0; at < bytes.length; at += length) {
    rest = Buffer.concat([rest, bytes.subarray(at, at + length)]);
    const end = parseRecords(rest, dim, (key, vector) => found.push([key, hex(vector)]));
    assert.ok(end >= 0 && end <= rest.length);
    rest = rest.subarray(end);
  }
  return found;
}

export const target: Target = {
  next(random) {
    const file = random.below(FILES.length);
    const seed = FILES[file]?.bytes ?? Buffer.alloc(0);
    const bytes = changed(seed, random, (old) => mutateBytes(old, random));
    return { bytes, beside: JSON.stringify({ file, piece: random.pick(PIECES) }) };
  },
  run({ bytes, beside = '' }) {
    const { file, piece } = JSON.parse(beside);
    const { dim, known } = FILES[file] as (typeof FILES)[number];
    const found = whole(bytes, dim);
    for (const record of found) assert.ok(known.has(JSON.stringify(record)), 'not one written');
    assert.deepEqual(inPieces(bytes, dim, piece), found);
    return found.length === RECORDS ? 'all' : 'some';
  },
};
