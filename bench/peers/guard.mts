// Ends the groups of processes that this process leaves behind, however it ends: a stopped one would
// never notice. A shell sleeps until this process's end closes its stdin, then kills the groups of the
// last line that it read.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';

const SCRIPT =
  'while read -r line; do groups=$line; done; for group in $groups; do kill -s KILL -- -$group; done';

const groups = new Set<number>();
let shell: ChildProcessByStdio<Writable, null, null> | undefined;

function startShell(): ChildProcessByStdio<Writable, null, null> {
  // In a group of its own, so that Ctrl-C in the terminal does not end it.
  const child = spawn('sh', ['-c', SCRIPT], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  // It keeps nobody from ending.
  child.unref();
  (child.stdin as Socket).unref();
  return child;
}

function tell(): void {
  shell ??= startShell();
  shell.stdin.write(`${[...groups].join(' ')}\n`);
}

/** From now on the group ends with this process. */
export function guard(group: number): void {
  groups.add(group);
  tell();
}

/** The group has ended: its number may become another's. */
export function release(group: number): void {
  groups.delete(group);
  tell();
}
