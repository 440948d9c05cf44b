// Reads the state of processes from /proc.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Returns the state of a process, 'T' if it is stopped, or undefined if it has ended. */
export function stateOf(pid: number): string | undefined {
  try {
    return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

/** Whether a process has ended. It may remain as a zombie until its parent collects it. */
export function hasEnded(pid: number): boolean {
  return ['Z', 'X', undefined].includes(stateOf(pid));
}

/** Waits until the processes have ended; only the test's time-out limits it. */
export async function untilEnded(pids: readonly number[]): Promise<void> {
  while (!pids.every(hasEnded)) await sleep(20);
}

/** Waits until all processes of a process group have ended. */
export async function untilGroupEnded(leader: number): Promise<void> {
  const isLeft = (pid: number) => groupOf(pid) === leader && !hasEnded(pid);
  while (processes().some(isLeft)) await sleep(20);
}

function processes(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function groupOf(pid: number): number | undefined {
  try {
    return Number(/\) \w \d+ (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]);
  } catch {
    return undefined; // The process has ended.
  }
}

/** Returns the ids of the running children of `parent` whose command contains `text`. */
export function childrenOf(parent: number, text: string): number[] {
  return processes().filter((pid) => {
    try {
      const [, ppid] = /\) \w (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      if (Number(ppid) !== parent || hasEnded(pid)) return false;
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
    } catch {
      return false;
    }
  });
}
