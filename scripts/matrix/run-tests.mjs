// Runs scripts/test.mjs once and reads its summary.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ROOT } from '../command.mjs';

const COUNT = /^ℹ (tests|pass|fail|skipped) (\d+)$/;
const FAILURE = /^\s*✖ (.*) \([\d.]+ms\)/;

/**
 * @param command The command that starts the tests' Node, e.g. `['taskset', '-c', '0']`. It may end
 *   with the path of a Node.
 * @returns The numbers of tests in all, passed, failed and skipped, and the names of those that
 *   failed.
 */
export async function runTests({ command, env, names, log }) {
  const node = command.at(-1)?.endsWith('/node') ? [] : [process.execPath];
  const [program, ...args] = [...command, ...node, 'scripts/test.mjs', ...names];
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stderr.pipe(log, { end: false });
  const counts = { tests: 0, pass: 0, fail: 0, skipped: 0 };
  const failures = new Set();
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  for await (const line of createInterface({ input: child.stdout })) {
    log.write(`${line}\n`);
    const [, count, number] = COUNT.exec(line) ?? [];
    if (count) counts[count] = Number(number);
    const [, failure] = FAILURE.exec(line) ?? [];
    if (failure) failures.add(failure);
  }
  const code = await ended;
  // Also covers a runner that ended before its summary.
  if (code !== 0 && counts.fail === 0) failures.add(`ended with ${code}`);
  return { ...counts, fail: Math.max(counts.fail, failures.size > 0 ? 1 : 0), failures };
}
