// Tests the default number of threads: the processors that a control group's quota allows.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { usableProcessors } from '#lib/runtime/processors';
import { temporaryFolder } from './support/temporary.mts';

const folder = temporaryFolder();
const all = availableParallelism();
/** A quota of half a processor, and one that is no limit on this machine. */
const HALF = 50_000;
const PLENTY = 100_000 * (all + 3);

/** Makes a system's /proc and /sys as files. */
function system(files: Record<string, string>): string {
  const root = mkdtempSync(join(folder, 'system-'));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

const mounted2 = (root: string) =>
  `35 24 0:29 ${root} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n`;
const mounted1 = (root: string) =>
  `33 25 0:28 ${root} /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n` +
  `34 25 0:29 ${root} /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n`;

function version2(group: string, quotas: Record<string, string>, root = '/'): string {
  return system({
    '/proc/self/cgroup': `0::${group}\n`,
    '/proc/self/mountinfo': mounted2(root),
    ...Object.fromEntries(
      Object.entries(quotas).map(([at, quota]) => [join('/sys/fs/cgroup', at, 'cpu.max'), quota]),
    ),
  });
}

function version1(group: string, quotas: Record<string, number>, root = '/'): string {
  const files = Object.entries(quotas).flatMap(([at, quota]) => [
    [join('/sys/fs/cgroup/cpu,cpuacct', at, 'cpu.cfs_quota_us'), `${quota}\n`],
    [join('/sys/fs/cgroup/cpu,cpuacct', at, 'cpu.cfs_period_us'), '100000\n'],
  ]);
  return system({
    '/proc/self/cgroup': `5:cpuset:/elsewhere\n4:cpu,cpuacct:${group}\n0::/\n`,
    '/proc/self/mountinfo': mounted1(root),
    ...Object.fromEntries(files),
  });
}

describe('without a limit: every processor', () => {
  const systems: Record<string, string> = {
    'no such files': system({}),
    'version 2': version2('/a/b', { '/a/b': 'max 100000\n', '/a': 'max 100000\n' }),
    'version 2, more than there is': version2('/a', { '/a': `${PLENTY} 100000\n` }),
    'version 1': version1('/a', { '/a': -1 }),
    'nonsense in the files': system({
      '/proc/self/cgroup': 'no line of its\n0:\n',
      '/proc/self/mountinfo': '\n - cgroup2\n35 24 - \n',
    }),
  };
  for (const [name, root] of Object.entries(systems)) {
    test(name, () => assert.equal(usableProcessors(root), all));
  }
});

describe('half of one processor: one thread', () => {
  const systems: Record<string, string> = {
    'version 2': version2('/a/b', { '/a/b': `${HALF} 100000\n` }),
    'version 2, a limit of a group around it': version2('/a/b', {
      '/a/b': 'max 100000\n',
      '/a': `${HALF} 100000\n`,
    }),
    'version 2, in a container that is mounted as the root': version2('/', {
      '/': `${HALF} 100000\n`,
    }),
    'version 2, in a container with paths of the host': version2(
      '/docker/1234',
      { '/': `${HALF} 100000\n` },
      '/docker/1234',
    ),
    'version 2, of a group beyond what is mounted': version2('/../other', {
      '/': `${HALF} 100000\n`,
    }),
    'version 1': version1('/a', { '/a': HALF }),
    'version 1, in a container': version1('/docker/12', { '/': HALF }, '/docker/12'),
    'version 1, of a group around it': version1('/a/b', { '/a/b': -1, '/a': HALF }),
  };
  for (const [name, root] of Object.entries(systems)) {
    test(name, () => assert.equal(usableProcessors(root), 1));
  }
});

test('two and a half processors: two threads, on a machine with at least two', () => {
  const root = version2('/a', { '/a': '250000 100000\n' });
  assert.equal(usableProcessors(root), Math.min(2, all));
});

test('one processor of the affinity mask: one thread', (t) => {
  const program = "console.log(require('./dist/runtime/processors').usableProcessors())";
  const status = readFileSync('/proc/self/status', 'utf8');
  const [, first = '0'] = /^Cpus_allowed_list:\s+(\d+)/m.exec(status) ?? [];
  const command = ['--cpu-list', first, process.execPath, '-e', program];
  const cwd = join(import.meta.dirname, '..');
  try {
    assert.equal(execFileSync('taskset', command, { cwd, encoding: 'utf8' }).trim(), '1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    t.skip('taskset is not installed');
  }
});
