import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** What /proc says of a process; nothing of one that is gone. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** The processes that a process has started, that run, and whose command line holds `program`. */
export function childrenOf(pid: number, program: string): number[] {
  const children = read(pid, `task/${pid}/children`).trim().split(' ').filter(Boolean);
  return children.map(Number).filter((child) => read(child, 'cmdline').includes(program));
}

/** Whether a process runs: one that has ended and is not waited for does not. */
export function runs(pid: number): boolean {
  return /^State:\s+[^ZX\s]/m.test(read(pid, 'status'));
}

/** Resolves when a process has ended. */
export async function ended(pid: number): Promise<void> {
  while (runs(pid)) await sleep(10);
}
