/** Files of vectors. Half of the time, the checksums are corrected after a change. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VectorIndex } from 'llm2clip';
import { LLM2CLIPError } from '#lib/errors';
import { mutateBytes, writeEdge } from '../byte-mutations.mts';
import { mutateJson } from '../json-mutations.mts';
import type { Random } from '../random.mts';
import { scratch } from '../scratch.mts';
import { seedsOf } from '../seeds.mts';
import { changed, type Target } from '../target.mts';

const SEEDS = seedsOf('.vectors');
const HEADER = 32;
const CHECKSUM = 28;
const ROWS = 4;
const NOTE_BYTES = 8;
const PAYLOAD_CHECKSUM = 16;
const path = join(scratch, 'vectors');

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++)
    remainder = (remainder >>> 1) ^ (remainder & 1 ? 0x82f63b78 : 0);
  return remainder;
});

function crc32c(bytes: Uint8Array): number {
  let sum = -1;
  for (const byte of bytes) sum = (sum >>> 8) ^ (TABLE[(sum ^ byte) & 255] ?? 0);
  return ~sum >>> 0;
}

/** Changes the note of the only record and the numbers in the headers. */
function forged(bytes: Buffer, random: Random): Buffer {
  const noteBytes = Number(bytes.readBigUInt64LE(HEADER + NOTE_BYTES));
  const rows = bytes.subarray(2 * HEADER, bytes.length - noteBytes);
  const old = bytes.toString('utf8', bytes.length - noteBytes);
  const note = Buffer.from(changed(old, random, (text) => mutateJson(text, random)));
  let head: Buffer = Buffer.from(bytes.subarray(0, 2 * HEADER));
  head.writeBigUInt64LE(BigInt(note.length), HEADER + NOTE_BYTES);
  if (random.below(2) === 0) {
    const fields = [8, 12, 16, HEADER + ROWS, HEADER + NOTE_BYTES];
    head = writeEdge(head, random.pick(fields), random.pick([1, 4]), random);
  }
  const payload = Buffer.concat([rows, note]);
  head.writeUInt32LE(crc32c(payload), HEADER + PAYLOAD_CHECKSUM);
  for (const start of [0, HEADER]) {
    head.writeUInt32LE(crc32c(head.subarray(start, start + CHECKSUM)), start + CHECKSUM);
  }
  return Buffer.concat([head, payload]);
}

export const target: Target = {
  next(random) {
    const seed = random.pick(SEEDS);
    if (random.below(2) === 0) return { bytes: forged(seed, random) };
    return { bytes: changed(seed, random, (bytes) => mutateBytes(bytes, random)) };
  },
  async run({ bytes }) {
    writeFileSync(path, bytes);
    try {
      await using index = await VectorIndex.open(path);
      const { ids } = await index.search(new Float32Array(index.dim).fill(1), { k: 3 });
      return ids.length > 0 ? 'found' : 'empty';
    } catch (error) {
      if (error instanceof LLM2CLIPError && error.code === 'ERR_INDEX_INVALID') return 'refused';
      throw error;
    }
  },
};
