// Runs a writer of the project as on a full disk: under a limit on the size of files, to which the
// system responds as to a full disk (with EFBIG in place of ENOSPC): full-disk.mjs FOLDER WRITER
// CHECKPOINT It is plain JavaScript, so that it starts without compilation.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { convert, importEngine, VectorIndex } from 'llm2clip';
import { writeText } from '#lib/bench/store';
import { JsonLinesWriter } from '#lib/cli/json-lines';
import { NpyWriter } from '#lib/cli/npy';
import { AtomicFile } from '#lib/files/atomic-file';
import { writeVectorFile } from '#lib/text/vector-file';

const [folder, chosen, checkpoint] = process.argv.slice(2);
const DIM = 64;
const ROWS = 600;

/** Sets the largest size of files that this process may write, in bytes. */
function limitFiles(bytes) {
  const args = ['--pid', `${process.pid}`, `--fsize=${bytes}:unlimited`];
  const { status, stderr } = spawnSync('prlimit', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`prlimit: ${stderr}`);
}

const vector = (i) => new Float32Array(DIM).fill(i + 1);
const outcome = (i) => ({ of: { image: `.jpg` }, embedding: vector(i) });

async function embeddings(path, open) {
  const file = await AtomicFile.create(path);
  try {
    const writer = open(file);
    for (let i = 0; i < ROWS; i++) await writer.write(outcome(i));
    await writer.end();
  } finally {
    await file.discard();
  }
}

async function index() {
  const made = VectorIndex.create({ dim: DIM });
  await made.add(Float32Array.from({ length: ROWS * DIM }, (_, i) => i % 13));
  return made;
}

/** The writers. Each writes one result to a path. */
const WRITERS = {
  'a bundle': (out) => convert(checkpoint, { out, precision: 'fp32' }),
  'a portable bundle': (out) => convert(checkpoint, { out, precision: 'fp32', portable: true }),
  'an imported bundle': (out) =>
    importEngine(join(folder, 'source.bundle', 'vision/1/model.pt'), {
      ...{ out, family: 'eva02', imageSize: 56 },
    }),
  'an index': async (path) => {
    const made = await index();
    await made.save(path).finally(() => made.dispose());
  },
  'a text cache': (path) => {
    const vectors = Array.from({ length: ROWS }, (_, i) => [``.padStart(32), vector(i)]);
    return writeVectorFile(path, { dim: DIM, digest: '0'.repeat(64) }, vectors);
  },
  'an .npy': (path) => embeddings(path, (file) => new NpyWriter(file, DIM)),
  'a .jsonl': (path) => embeddings(path, (file) => new JsonLinesWriter(file)),
  'a record of a benchmark': (path) => writeText(path, 'x'.repeat(100_000)),
};

/** Returns the size of the largest file at a path, in bytes. */
function largest(path) {
  const status = statSync(path);
  if (!status.isDirectory()) return status.size;
  return Math.max(...readdirSync(path).map((name) => largest(join(path, name))));
}

const write = WRITERS[chosen];
if (write === undefined) throw new Error(`no writer ${chosen}`);
if (chosen === 'an imported bundle') {
  await convert(checkpoint, { out: join(folder, 'source.bundle'), portable: true });
}
const place = join(folder, 'place');
mkdirSync(place);
const path = join(place, 'result');
await write(path);
const whole = largest(path);
rmSync(path, { recursive: true });

const sizes = [0, 1, 63, 64, 4095, 4096, whole - 1];
for (let i = 1; i < 4; i++) sizes.push(Math.floor((i * whole) / 4));
for (const size of sizes.filter((bytes) => bytes < whole)) {
  limitFiles(size);
  const code = await write(path).then(
    () => 'written',
    (error) => error.code ?? error.message,
  );
  limitFiles('unlimited');
  console.log(JSON.stringify({ size, whole, code, left: readdirSync(place) }));
  rmSync(path, { recursive: true, force: true });
}
// Old files are still there, and the process can continue.
writeFileSync(join(place, 'other'), '');
await write(path);
console.log(
  JSON.stringify({ size: null, whole, code: 'written', left: readdirSync(place).sort() }),
);
if (!existsSync(path)) process.exitCode = 1;
