// The thread in which fuzz.mts runs a target.
import { parentPort, workerData } from 'node:worker_threads';
import { Random } from './random.mts';
import type { Input, Target } from './target.mts';

/** What the thread is started with. */
export interface Work {
  target: string;
  seed: number;
  /** Numbers of the inputs: from `first` up to, not including, `end`. */
  first: number;
  end: number;
  /** Time at which it stops at the latest, as performance.timeOrigin and now() have it. */
  until: number;
  /** [number of the input that is run] */
  progress: Int32Array<SharedArrayBuffer>;
}

/** What it tells: what became of so many inputs each, or what a bug looks like. */
export type Report = { counts: Record<string, number> } | { bug: string; number: number };

/** Reports come so often, in case the thread has to be ended. */
const REPORT_EVERY = 256;

/** Each input comes of the seed and its own number. */
export function inputOf(target: Target, seed: number, number: number): Input {
  return target.next(new Random(Math.imul(seed, 0x9e3779b1) + number));
}

/** What a bug looks like, with the stack that is left out of the many errors before. */
async function described(target: Target, input: Input): Promise<string> {
  Error.stackTraceLimit = 50;
  try {
    return `${await target.run(input)}, when run again`;
  } catch (error) {
    return (error as Error).stack ?? String(error);
  }
}

async function work({ target: name, seed, first, end, until, progress }: Work): Promise<void> {
  const { target } = (await import(`./targets/${name}.mts`)) as { target: Target };
  let counts: Record<string, number> = {};
  Error.stackTraceLimit = 0; // most of what a refusal costs
  const tell = (report: Report) => parentPort?.postMessage(report);
  for (let number = first; number < end; number++) {
    progress[0] = number;
    try {
      const outcome = await target.run(inputOf(target, seed, number));
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    } catch {
      return tell({ bug: await described(target, inputOf(target, seed, number)), number });
    }
    if (number % REPORT_EVERY !== 0 && number !== end - 1) continue;
    tell({ counts });
    counts = {};
    if (performance.timeOrigin + performance.now() > until) return;
  }
}

if (parentPort !== null) await work(workerData as Work);
