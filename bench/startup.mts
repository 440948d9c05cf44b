// Measures how fast a process gets to its first embedding, and the memory that it takes, for one
// checkpoint in each engine and precision. The engine files are in the system's cache of files, and
// were hashed before.
//
//   npm run bench:startup -- [--model eva02-L-14-336|digits|CHECKPOINT] [--engines cpu,torchscript]
//     [--precisions bf16,int8,fp32] [--rounds N] [--threads N] [--processes N] [--out FILE.json]
//
// Bundles take turns. --processes is the number of processes that hold a bundle at the same time, to
// measure how much of it they share.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Precision } from 'llm2clip';
import { readManifest } from '#lib/bundle/open';
import type { EngineKind } from '#lib/engines/index';
import { loadNative } from '#lib/native';
import { prepareBundles } from './models.mts';

const PROGRAM = fileURLToPath(new URL('./startup-process.mjs', import.meta.url));
const IMAGE = fileURLToPath(new URL('../test/fixtures/images/china.jpg', import.meta.url));

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: 'eva02-L-14-336' },
    engines: { type: 'string', default: 'cpu,torchscript' },
    precisions: { type: 'string', default: 'bf16,int8,fp32' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(availableParallelism()) },
    processes: { type: 'string', default: '4' },
    out: { type: 'string' },
  },
});

interface Memory {
  resident: number;
  /** The part of `resident` that counts for this process if shared pages are divided. */
  share: number;
  dirty: number;
}

interface Start extends Memory {
  importMs: number;
  loadMs: number;
  startToEmbeddingMs: number;
  secondMs: number;
}

/** A process that has embedded an image and still holds the model. */
class Holder {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(bundle: string) {
    this.#child = spawn(process.execPath, [PROGRAM, bundle, IMAGE, options.threads], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const input = this.#child.stdout as NodeJS.ReadableStream;
    this.#lines = createInterface({ input })[Symbol.asyncIterator]();
  }

  async start(): Promise<Start> {
    return JSON.parse((await this.#lines.next()).value ?? '');
  }

  /** Ends the process and returns its memory just before. */
  async end(): Promise<Memory> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    const memory = JSON.parse((await this.#lines.next()).value ?? '');
    await ended;
    return memory;
  }
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[values.length >> 1] as number;

interface Measured {
  engine: EngineKind;
  precision: string;
  bundle: string;
  fileBytes: number;
  starts: Start[];
}

async function prepare(): Promise<Measured[]> {
  const precisions = options.precisions.split(',') as Precision[];
  const measured: Measured[] = [];
  for (const engine of options.engines.split(',') as EngineKind[]) {
    const bundles = await prepareBundles(options.model, precisions, engine);
    for (const [precision, bundle] of Object.entries(bundles)) {
      const { vision = '' } = (await readManifest(bundle)).parts;
      const fileBytes = statSync(join(bundle, vision)).size;
      measured.push({ engine, precision, bundle, fileBytes, starts: [] });
    }
  }
  return measured;
}

async function startOnce(bundle: string): Promise<Start> {
  const holder = new Holder(bundle);
  const start = await holder.start();
  await holder.end();
  return start;
}

/** The memory of several processes that hold the same bundle. */
async function together(bundle: string, processes: number): Promise<Memory[]> {
  const holders: Holder[] = [];
  for (let i = 0; i < processes; i++) {
    const holder = new Holder(bundle);
    await holder.start();
    holders.push(holder);
  }
  const [first] = holders;
  if (first === undefined) return [];
  // The first process reports while the others still hold the bundle.
  const found = [await first.end()];
  for (const other of holders.slice(1)) await other.end();
  return found;
}

function summary({ starts, fileBytes, ...rest }: Measured, shared: readonly Memory[]) {
  const of = (key: keyof Start) => median(starts.map((start) => start[key]));
  return {
    ...rest,
    fileBytes,
    loadMs: of('loadMs'),
    startToEmbeddingMs: of('startToEmbeddingMs'),
    secondEmbeddingMs: of('secondMs'),
    privateDirtyBytes: of('dirty'),
    residentOverFile: of('resident') / fileBytes,
    shareOfOneAmongManyBytes: shared[0]?.share ?? null,
  };
}

const measured = await prepare();
// The first start hashes the files, the second one remembers them.
for (const { bundle } of measured) for (let i = 0; i < 2; i++) await startOnce(bundle);
for (let round = 0; round < Number(options.rounds); round++) {
  for (const one of measured) one.starts.push(await startOnce(one.bundle));
}
const results = [];
for (const one of measured) {
  const { bundle: _, ...figures } = summary(
    one,
    await together(one.bundle, Number(options.processes)),
  );
  console.log(JSON.stringify(figures));
  results.push(figures);
}
const record = {
  command: `npm run bench:startup -- ${process.argv.slice(2).join(' ')}`.trim(),
  date: new Date().toISOString(),
  machine: {
    cpu: cpus()[0]?.model.trim(),
    cores: cpus().length,
    isa: loadNative().cpuIsa(),
    node: process.version,
  },
  model: options.model,
  threads: Number(options.threads),
  processes: Number(options.processes),
  rounds: Number(options.rounds),
  results,
};
if (options.out !== undefined) writeFileSync(options.out, `${JSON.stringify(record, null, 2)}\n`);
