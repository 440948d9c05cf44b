// LoadGen in a process of its own, see loadgen.py.
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

/** What LoadGen is to do. */
export interface Asked {
  /** Program and arguments of the process that is measured. */
  subject: string[];
  open: OpenOptions;
  scenario: (typeof LOADGEN_SCENARIOS)[ComparedScenario];
  seconds: number;
  warmUpSeconds: number;
  minQueries: number;
  /** Queries a second: of Server when they come, of the others what may be expected. */
  perSecond: number;
  /** Of when queries come, and of which pictures. */
  seed: number;
}

/** What LoadGen logged; latencies in milliseconds, of Offline from the beginning of the run. */
export interface Found {
  p50: number;
  p90: number;
  p99: number;
  queries: number;
  picturesPerSecond: number;
  /** Queries that failed, by code. */
  errors: Record<string, number>;
  version: string;
}

/** Runs a program to its end. What it printed on stdout; throws where it failed. */
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

/** @param python Of a virtual environment with requirements.txt, see README.md. */
export async function runLoadGen(python: string, asked: Asked): Promise<Found> {
  return JSON.parse(await outputOf(python, [PROGRAM, JSON.stringify(asked)])) as Found;
}
