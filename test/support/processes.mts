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

/** Ids of the living processes whose parent is `parent` and whose command holds `text`. */
export function childrenOf(parent: number, text: string): number[] {
  const ids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return ids.map(Number).filter((pid) => {
    try {
      const [, ppid] = /\) \w (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      if (Number(ppid) !== parent || hasEnded(pid)) return false;
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
    } catch {
      return false;
    }
  });
}
