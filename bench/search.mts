// Compares exact search with usearch's. Both take turns on the same vectors in one process. Neither
// keeps threads running between calls, so they do not disturb each other.
//
//   npm ci --ignore-scripts --prefix bench/peers/search     # once
//   npm run bench:search -- [--rows N] [--dim N] [--k N] [--threads N] [--rounds N] [--out FILE]
//
// Rows are random bytes. Each query is a row with noise, so that the best row is known. Times are
// of whole calls of the public API. usearch does not support fp16 in Node, and blocks the event
// loop while it searches.
import { randomFillSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type Storage, VectorIndex } from 'llm2clip';
import { describeMachine } from '#lib/bench/machine';

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    dim: { type: 'string', default: '1280' },
    k: { type: 'string', default: '10' },
    threads: { type: 'string', default: String(availableParallelism()) },
    rounds: { type: 'string', default: '9' },
    queries: { type: 'string', default: '1,64' },
    storages: { type: 'string', default: 'int8,fp16,fp32' },
    out: { type: 'string' },
  },
});
const [dim, k, threads, rounds] = [options.dim, options.k, options.threads, options.rounds].map(
  Number,
) as [number, number, number, number];

/** fp32 vectors are 4 times as large, so fewer of them are used in the same memory. */
const ROWS: Record<Storage, number> = {
  int8: Number(options.rows),
  fp16: Math.floor(Number(options.rows) / 2),
  fp32: Math.floor(Number(options.rows) / 4),
};
const BYTES: Record<Storage, number> = { int8: 1, fp16: 2, fp32: 4 };
const ROWS_A_PIECE = 4096;

type Numbers = Int8Array | Float32Array;
interface Usearch {
  exactSearch(
    dataset: Numbers,
    queries: Numbers,
    dim: number,
    k: number,
    metric: string,
    threads: number,
  ): { keys: BigUint64Array };
}

function openPeer(): { usearch: Usearch; version: string } {
  const require = createRequire(new URL('./peers/search/package.json', import.meta.url));
  const folder = new URL('./peers/search/node_modules/usearch/package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(folder, 'utf8')) as { version: string };
  return { usearch: require('usearch') as Usearch, version };
}

/** Float32Array.from() is slow for a large array. */
function toFloats(bytes: Int8Array): Float32Array {
  const floats = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) floats[i] = (bytes[i] as number) / 127;
  return floats;
}

async function indexOf(bytes: Int8Array, storage: Storage): Promise<VectorIndex> {
  const index = VectorIndex.create({ dim, storage });
  for (let at = 0; at < bytes.length; at += ROWS_A_PIECE * dim) {
    await index.add(toFloats(bytes.subarray(at, at + ROWS_A_PIECE * dim)));
  }
  return index;
}

/** The rows 0, 1, …, each slightly changed. */
function queriesOf(bytes: Int8Array, count: number): Int8Array {
  const queries = bytes.slice(0, count * dim);
  for (let i = 0; i < queries.length; i += 3) queries[i] = (queries[i] as number) >> 1;
  return queries;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

async function timed<T>(body: () => T | Promise<T>): Promise<{ ms: number; result: T }> {
  const started = performance.now();
  const result = await body();
  return { ms: performance.now() - started, result };
}

async function compare(
  index: VectorIndex,
  dataset: Numbers | undefined,
  bytes: Int8Array,
  count: number,
) {
  const queries = queriesOf(bytes, count);
  const floats = { data: toFloats(queries), shape: [count, dim] as [number, number] };
  const [ours, theirs]: [number[], number[]] = [[], []];
  let agreed = 0;
  for (let round = -1; round < rounds; round++) {
    const own = await timed(() => index.search(floats, { k, threads }));
    const other =
      dataset && (await timed(() => search(dataset, dataset === bytes ? queries : floats.data)));
    if (round < 0) continue; // warm-up
    ours.push(own.ms);
    if (other === undefined) continue;
    theirs.push(other.ms);
    agreed = own.result.filter(({ ids }, i) => BigInt(ids[0] ?? -1) === other.result[i * k]).length;
  }
  const { rows, storage } = { rows: index.size, storage: index.storage };
  const ms = median(ours);
  return {
    ...{ storage, rows, dim, k, queries: count, threads, rounds, ms, leastMs: Math.min(...ours) },
    gigabytesASecond: (rows * dim * BYTES[storage]) / ms / 1e6,
    usearchMs: theirs.length > 0 ? median(theirs) : null,
    usearchLeastMs: theirs.length > 0 ? Math.min(...theirs) : null,
    ratio: theirs.length > 0 ? median(theirs.map((time, i) => time / (ours[i] as number))) : null,
    sameBest: theirs.length > 0 ? agreed / count : null,
  };
}

const { usearch, version } = openPeer();

/** Returns the keys for all queries. With one query, usearch returns no batch. */
function search(dataset: Numbers, queries: Numbers): bigint[] {
  const found = usearch.exactSearch(dataset, queries, dim, k, 'cos', threads);
  return Array.from(found.keys);
}

const results: unknown[] = [];
for (const storage of options.storages.split(',') as Storage[]) {
  const bytes = new Int8Array(ROWS[storage] * dim);
  // randomFillSync() accepts only so many bytes at a time.
  for (let at = 0; at < bytes.length; at += 2 ** 30)
    randomFillSync(bytes.subarray(at, at + 2 ** 30));
  const index = await indexOf(bytes, storage);
  const dataset = storage === 'int8' ? bytes : storage === 'fp32' ? toFloats(bytes) : undefined;
  for (const count of options.queries.split(',').map(Number)) {
    const result = await compare(index, dataset, bytes, count);
    results.push(result);
    console.error(JSON.stringify(result));
  }
  await index.dispose();
}

const record = {
  command: `npm run bench:search -- ${process.argv.slice(2).join(' ')}`.trim(),
  date: new Date().toISOString(),
  machine: await describeMachine(),
  usearch: version,
  results,
};
const text = JSON.stringify(record, null, 2);
if (options.out === undefined) console.log(text);
else writeFileSync(options.out, `${text}\n`);
