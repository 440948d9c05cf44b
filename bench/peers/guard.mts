// Kills the process groups that this process leaves behind, however it ends, because a stopped
// process would never notice. A shell waits until this process ends and its stdin closes, and then
// kills the groups in the last line that it read.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';

const SCRIPT =
  'while read -r line; do groups=$line; done; for group in $groups; do kill -s KILL -- -$group; done';

const groups = new Set<number>();
let shell: ChildProcessByStdio<Writable, null, null> | undefined;

function startShell(): ChildProcessByStdio<Writable, null, null> {
  // The shell has its own group, so that Ctrl-C in the terminal does not end it.
  const child = spawn('sh', ['-c', SCRIPT], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  // The shell does not keep this process alive.
  child.unref();
  (child.stdin as Socket).unref();
  return child;
}

function tell(): void {
  shell ??= startShell();
  shell.stdin.write(`${[...groups].join(' ')}\n`);
}

/** From now on, the group is killed when this process ends. */
export function guard(group: number): void {
  groups.add(group);
  tell();
}

/** The group has ended, so its number may be reused. */
export function release(group: number): void {
  groups.delete(group);
  tell();
}
