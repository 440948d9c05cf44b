// Runs LoadGen in a separate process, see loadgen.py.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { OpenOptions } from '#lib/bench/protocol';

const PROGRAM = fileURLToPath(new URL('./loadgen.py', import.meta.url));

export const LOADGEN_SCENARIOS = {
  'single-stream': 'SingleStream',
  server: 'Server',
  offline: 'Offline',
} as const;
export type ComparedScenario = keyof typeof LOADGEN_SCENARIOS;

/** The request to loadgen.py. */
export interface Asked {
  /** The program and arguments of the measured process. */
  subject: string[];
  open: OpenOptions;
  scenario: (typeof LOADGEN_SCENARIOS)[ComparedScenario];
  seconds: number;
  warmUpSeconds: number;
  minQueries: number;
  /**
   * Queries per second: the arrival rate of Server, or the expected rate of the other scenarios.
   */
  perSecond: number;
  /** Seeds the arrival times and the choice of images. */
  seed: number;
}

/**
 * What LoadGen logged. Latencies are in milliseconds; for Offline they count from the start of the
 * run.
 */
export interface Found {
  p50: number;
  p90: number;
  p99: number;
  queries: number;
  picturesPerSecond: number;
  /** The number of failed queries for each error code. */
  errors: Record<string, number>;
  version: string;
}

/** Runs a program to its end and returns its stdout. Throws if it failed. */
export async function outputOf(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} ended with ${signal ?? `exit code ${code}`}`));
    });
  });
  const [output] = await Promise.all([text(child.stdout), ended]);
  return output;
}

/** @param python The Python of a virtual environment with requirements.txt, see README.md. */
export async function runLoadGen(python: string, asked: Asked): Promise<Found> {
  return JSON.parse(await outputOf(python, [PROGRAM, JSON.stringify(asked)])) as Found;
}
