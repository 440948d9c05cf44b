/**
 * Mutation fuzzing of the reader of text vectors.
 *
 *   node --import tsx test/fuzz/vector-records.mts --seconds 600 [--seed 1]
 *
 * Whatever the damage, it finds only records that were written, and the same ones wherever the file
 * is cut into pieces. Prints one line of JSON; throws, with the seed, for what breaks that.
 */
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { textKey } from '#lib/text/text-key';
import { parseRecords, recordOf } from '#lib/text/vector-records';
import { numbered, vectorOf } from '../support/text-vectors.mts';
import { mutateBytes } from './byte-mutations.mts';
import { Random } from './random.mts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
const random = new Random(Number(values.seed));
const RECORDS = 8;

type Found = [key: string, vector: string][];
const hex = (vector: Float32Array) =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('hex');

function whole(bytes: Buffer, dim: number): Found {
  const found: Found = [];
  parseRecords(bytes, dim, (key, vector) => found.push([key, hex(vector)]));
  return found;
}

function inPieces(bytes: Buffer, dim: number): Found {
  const found: Found = [];
  const longest = random.pick([1, 7, 64, 500]);
  let rest: Buffer = Buffer.alloc(0);
  for (let at = 0; at < bytes.length; ) {
    const piece = bytes.subarray(at, at + 1 + random.below(longest));
    at += piece.length;
    rest = Buffer.concat([rest, piece]);
    const end = parseRecords(rest, dim, (key, vector) => found.push([key, hex(vector)]));
    assert.ok(end >= 0 && end <= rest.length);
    rest = rest.subarray(end);
  }
  return found;
}

/** How many records of a mutated file are found. */
function run(): number {
  const dim = random.pick([1, 2, 16, 63]);
  const written = numbered(RECORDS).map((text) => {
    const [key, vector] = [textKey(text) ?? '', vectorOf(text, dim)];
    return { bytes: recordOf(key, vector), found: JSON.stringify([key, hex(vector)]) };
  });
  const known = new Set(written.map(({ found }) => found));
  let bytes = Buffer.concat(written.map((record) => record.bytes)) as Buffer;
  for (let n = random.below(4); n >= 0; n--) bytes = mutateBytes(bytes, random);
  const found = whole(bytes, dim);
  for (const record of found) assert.ok(known.has(JSON.stringify(record)), 'not one written');
  assert.deepEqual(inPieces(bytes, dim), found);
  return found.length;
}

let [files, found] = [0, 0];
const start = Date.now();
while (Date.now() - start < Number(values.seconds) * 1000) {
  try {
    found += run();
    files += 1;
  } catch (error) {
    console.error(`seed ${values.seed}, file ${files}`);
    throw error;
  }
}
console.log(
  JSON.stringify({ seed: Number(values.seed), files, found, lost: files * RECORDS - found }),
);
