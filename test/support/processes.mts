// Processes as /proc shows them.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** The state of a process, 'T' where it is stopped; undefined where it has ended. */
export function stateOf(pid: number): string | undefined {
  try {
    return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

/** Ended processes stay as zombies where nobody collects them. */
export function hasEnded(pid: number): boolean {
  return ['Z', 'X', undefined].includes(stateOf(pid));
}

/** Waits for as long as the test may take. */
export async function untilEnded(pids: readonly number[]): Promise<void> {
  while (!pids.every(hasEnded)) await sleep(20);
}

/** Waits until a process, and all that it started in its group, have ended. */
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
    return undefined; // it has ended
  }
}

/** Ids of the living processes whose parent is `parent` and whose command holds `text`. */
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
