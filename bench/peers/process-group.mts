// Processes that are stopped, continued and killed together: a peer and all processes that it
// starts.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { guard, release } from './guard.mts';

/** @throws Error on systems that cannot stop and continue processes */
export function expectJobControl(platform: string = process.platform): void {
  if (platform !== 'win32') return;
  throw new Error(
    'expected a system with SIGSTOP and SIGCONT, found Windows: contestants that wait their turn ' +
      'cannot be stopped there; run the benchmark on Linux',
  );
}

/** States in /proc/PID/stat: stopped, ended but not yet collected, ended. */
const AT_REST = new Set(['T', 'Z', 'X']);
const POLL_MS = 1;
/** A number of polls, not a time, because this process may be held up itself. */
const MOST_LOOKS = 5000;

interface ThreadStat {
  state: string;
  group: number;
}

/** Null if the process has ended. */
function readStat(path: string): ThreadStat | null {
  try {
    // The name of the program is in brackets and may contain any characters.
    const fields = readFileSync(path, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return { state: fields[0] as string, group: Number(fields[2]) };
  } catch {
    return null;
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** Returns the states of all threads of a group, or none on systems without /proc. */
export function threadStates(group: number): string[] {
  const members = entries('/proc').filter((id) => readStat(`/proc/${id}/stat`)?.group === group);
  return members.flatMap((id) =>
    entries(`/proc/${id}/task`).flatMap(
      (thread) => readStat(`/proc/${id}/task/${thread}/stat`)?.state ?? [],
    ),
  );
}

export class ProcessGroup {
  /** The first process of the group. Its id is the group's id. */
  readonly leader: ChildProcessWithoutNullStreams;
  /** Afterwards the id may be reused. */
  #ended = false;

  /** Starts a program as the leader of a group. Ctrl-C in the terminal does not reach it. */
  constructor([program, ...args]: readonly [string, ...string[]]) {
    expectJobControl();
    this.leader = spawn(program, args, { stdio: 'pipe', detached: true });
    const { pid } = this.leader;
    if (pid === undefined) return; // it did not start; its 'error' event reports that
    guard(pid);
    this.leader.on('exit', () => {
      this.#send('SIGKILL'); // kills what it leaves behind
      this.#ended = true;
      release(pid);
    });
  }

  /** Resolves when no thread of the group runs any more. @throws Error if one still runs */
  async stop(): Promise<void> {
    const { pid } = this.leader;
    if (pid === undefined || this.#ended) return;
    this.#send('SIGSTOP');
    for (let looks = 0; threadStates(pid).some((state) => !AT_REST.has(state)); looks++) {
      if (looks === MOST_LOOKS) throw new Error('did not stop');
      await sleep(POLL_MS);
    }
  }

  resume(): void {
    this.#send('SIGCONT');
  }

  /** Kills the group, stopped or not. */
  kill(): void {
    this.#send('SIGKILL');
  }

  /** The peak memory of the leader; null if the system does not report it. */
  peakMemoryBytes(): number | null {
    try {
      const status = readFileSync(`/proc/${this.leader.pid}/status`, 'utf8');
      return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) || null;
    } catch {
      return null;
    }
  }

  #send(signal: NodeJS.Signals): void {
    const { pid } = this.leader;
    if (pid === undefined || this.#ended) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has ended
    }
  }
}
