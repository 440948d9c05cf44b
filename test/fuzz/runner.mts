// The thread in which fuzz.mts runs a target.
import { parentPort, workerData } from 'node:worker_threads';
import { Random } from './random.mts';
import type { Input, Target } from './target.mts';

/** The data with which the thread is started. */
export interface Work {
  target: string;
  seed: number;
  /** Range of the input numbers: from `first` to `end`, exclusive. */
  first: number;
  end: number;
  /** Time at which it must stop: performance.timeOrigin + performance.now(). */
  until: number;
  /** [number of the current input] */
  progress: Int32Array<SharedArrayBuffer>;
}

/** A report: the counts of outcomes, or the description of a bug. */
export type Report = { counts: Record<string, number> } | { bug: string; number: number };

/** Number of inputs per report, so that little is lost if the thread must be terminated. */
const REPORT_EVERY = 256;

/** Makes an input from the seed and its number. */
export function inputOf(target: Target, seed: number, number: number): Input {
  return target.next(new Random(Math.imul(seed, 0x9e3779b1) + number));
}

/** Describes a bug with its stack, which is turned off for the many expected errors. */
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
  Error.stackTraceLimit = 0; // Stacks are most of the cost of a refusal.
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
