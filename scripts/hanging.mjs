// Describes test processes that hang, before they are ended. Linux only.
import { readdirSync, readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** The unit of times in /proc, which is the same on all processors. */
const TICKS_PER_SECOND = 100;

function readProcess(pid) {
  try {
    // The name, in parentheses, may contain spaces.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return {
      pid,
      parent: Number(stat[1]),
      seconds: uptime() - Number(stat[19]) / TICKS_PER_SECOND,
      command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').slice(0, 200),
    };
  } catch {
    return undefined; // it has ended
  }
}

/** What each thread waits for in the kernel, as "12 × futex_wait_queue (worker)". */
function waitsOf(pid) {
  const counts = new Map();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const read = (name) => readFileSync(`/proc/${pid}/task/${thread}/${name}`, 'utf8').trim();
    const wait = `${read('wchan')} (${read('comm')})`;
    counts.set(wait, (counts.get(wait) ?? 0) + 1);
  }
  return [...counts].map(([wait, count]) => `${count} × ${wait}`).join(', ');
}

/**
 * Returns one line for each process that this process has started more than `seconds` ago, and for
 * each of their own processes.
 */
export function describeHanging(seconds) {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter(Boolean);
  const startedBy = (parent) =>
    all.filter((one) => one.parent === parent).flatMap((one) => [one, ...startedBy(one.pid)]);
  return all
    .filter((one) => one.parent === process.pid && one.seconds > seconds)
    .flatMap((one) => [one, ...startedBy(one.pid)])
    .flatMap(({ pid, command }) => {
      try {
        return [`${pid} ${command}: ${waitsOf(pid)}`];
      } catch {
        return []; // it has ended
      }
    });
}
