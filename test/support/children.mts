import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Reads a file of a process in /proc; returns '' if the process is gone. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** Returns the running children of a process whose command line contains `program`. */
export function childrenOf(pid: number, program: string): number[] {
  const children = read(pid, `task/${pid}/children`).trim().split(' ').filter(Boolean);
  return children.map(Number).filter((child) => read(child, 'cmdline').includes(program));
}

/** Whether a process is running; a zombie is not. */
export function runs(pid: number): boolean {
  return /^State:\s+[^ZX\s]/m.test(read(pid, 'status'));
}

/** Resolves when a process has ended. */
export async function ended(pid: number): Promise<void> {
  while (runs(pid)) await sleep(10);
}
