/**
 * Mutation fuzzing of all readers of outside files.
 *
 *   node --import tsx test/fuzz/fuzz.mts [--inputs 2000000] [--seconds 600] [--seed 1] [--first 0] [TARGET…]
 *
 * TARGET is a file of test/fuzz/targets; the default is all of them. It prints one line of JSON per
 * target with the number of inputs and their outcomes. If an input breaks something, the exit
 * status is 1, and the input is kept in the temporary folder. When the fault is fixed, the input
 * goes into test/fuzz/seeds.
 */
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { inputOf, type Report, type Work } from './runner.mts';
import type { Target } from './target.mts';

/** Limits on one input. */
const MOST_SECONDS = 10;
const MOST_MEMORY = 2 ** 30;
/** Time limit for targets whose inputs may run for ever. */
const PATIENCE_SECONDS = 1;
const HEAP_MIB = 512;
const LOOK_MS = 100;

/** Loads tsx in the thread, because Node 20's threads do not inherit `--import tsx`. */
const RUNNER = JSON.stringify(new URL('./runner.mts', import.meta.url));
const START = `import('tsx/esm/api').then((tsx) => (tsx.register(), import(${RUNNER})))`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    inputs: { type: 'string', default: '2000000' },
    seconds: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
  },
});
const seed = Number(values.seed);
const end = Number(values.first) + Number(values.inputs);
const until = performance.timeOrigin + performance.now() + 1000 * Number(values.seconds);
const folder = join(import.meta.dirname, 'targets');
const all = readdirSync(folder).map((file) => basename(file, '.mts'));

/** The reason why a thread ended, and the input at which it did. */
interface End {
  reason: 'done' | 'bug' | 'stopped';
  number: number;
  message?: string;
}

/** Runs inputs from `first` on in a new thread, until all are done or one breaks it. */
async function run(name: string, target: Target, first: number, counts: Counts): Promise<End> {
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const workerData: Work = { target: name, seed, first, end, until, progress };
  const worker = new Worker(START, {
    eval: true,
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  });
  let found: End | undefined;
  worker.on('message', (report: Report) => {
    if ('bug' in report) found = { reason: 'bug', number: report.number, message: report.bug };
    else for (const [key, count] of Object.entries(report.counts)) counts.add(key, count);
  });
  worker.on('error', (error) => {
    found = { reason: 'stopped', number: Number(progress[0]), message: error.message };
  });
  const patience = target.mayGoOn ? PATIENCE_SECONDS : MOST_SECONDS;
  let [last, since] = [-1, performance.now()];
  const watch = setInterval(() => {
    const number = Number(progress[0]);
    if (number !== last) [last, since] = [number, performance.now()];
    const rss = process.memoryUsage.rss();
    const message =
      performance.now() - since > 1000 * patience && number > 0
        ? `took more than ${patience} s`
        : rss > MOST_MEMORY && `took ${rss} bytes of memory`;
    if (!message) return;
    found = { reason: 'stopped', number, message };
    worker.terminate();
  }, LOOK_MS);
  await once(worker, 'exit');
  clearInterval(watch);
  return found ?? { reason: 'done', number: end };
}

class Counts {
  readonly of: Record<string, number> = {};

  add(key: string, count: number): void {
    this.of[key] = (this.of[key] ?? 0) + count;
  }

  get inputs(): number {
    return Object.values(this.of).reduce((sum, count) => sum + count, 0);
  }
}

/** Fuzzes a target. Returns whether nothing broke. */
async function fuzz(name: string): Promise<boolean> {
  const { target } = (await import(`./targets/${name}.mts`)) as { target: Target };
  const counts = new Counts();
  const begin = performance.now();
  for (let first = Number(values.first); first < end; ) {
    const { reason, number, message } = await run(name, target, first, counts);
    if (reason === 'done') break;
    if (reason === 'bug' || !target.mayGoOn) {
      const { bytes, beside = '' } = inputOf(target, seed, number);
      const kept = join(tmpdir(), `llm2clip-fuzz-${name}-${seed}-${number}`);
      writeFileSync(kept, bytes);
      console.error(`${name}, --seed ${seed} --first ${number}: ${kept} ${beside}\n${message}`);
      return false;
    }
    counts.add('stopped', 1);
    first = number + 1;
  }
  const seconds = Math.round((performance.now() - begin) / 1000);
  console.log(JSON.stringify({ target: name, seed, inputs: counts.inputs, seconds, ...counts.of }));
  return true;
}

for (const name of positionals.length > 0 ? positionals : all) {
  if (!(await fuzz(name))) process.exitCode = 1;
}
