import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

/** Empty where there is no such file, or none that may be read. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

interface Mount {
  /** The group that is mounted. */
  root: string;
  point: string;
}

/** Where a hierarchy of control groups is mounted: version 2, or what version 1 has for processors. */
function mountOf(mountInfo: string, version: 1 | 2): Mount | undefined {
  for (const line of mountInfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root, point] = before.split(' ');
    const [type, , options = ''] = after.split(' ');
    if (root === undefined || point === undefined) continue;
    if (
      version === 2 ? type === 'cgroup2' : type === 'cgroup' && options.split(',').includes('cpu')
    )
      return { root, point };
  }
  return undefined;
}

/** This process's group in a hierarchy, e.g. `/user.slice`. */
function groupOf(groups: string, version: 1 | 2): string | undefined {
  for (const line of groups.split('\n')) {
    const [, id, controllers = '', path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    const isIt = version === 2 ? id === '0' : controllers.split(',').includes('cpu');
    if (isIt && path !== undefined) return path;
  }
  return undefined;
}

/** Processors that a group may use, as a share of time; infinite without a limit. */
function quotaOf(folder: string, version: 1 | 2): number {
  const [quota, period] =
    version === 2
      ? read(join(folder, 'cpu.max')).split(' ')
      : ['quota', 'period'].map((name) => read(join(folder, `cpu.cfs_${name}_us`)));
  const share = Number(quota) / Number(period);
  return share > 0 ? share : Number.POSITIVE_INFINITY;
}

/** The least quota from this process's group up to the mounted one: each of them limits it. */
function quotaIn(root: string, version: 1 | 2): number {
  const mount = mountOf(read(join(root, '/proc/self/mountinfo')), version);
  const group = groupOf(read(join(root, '/proc/self/cgroup')), version);
  if (mount === undefined || group === undefined) return Number.POSITIVE_INFINITY;
  // A container sees its own group as the mounted one, or paths of the host that it cannot open.
  const inside = group === mount.root || group.startsWith(join(mount.root, '/'));
  const below = inside ? group.slice(mount.root === '/' ? 0 : mount.root.length) : '';
  let least = Number.POSITIVE_INFINITY;
  for (let path = join('/', below); ; path = dirname(path)) {
    least = Math.min(least, quotaOf(join(root, mount.point, path), version));
    if (path === '/') return least;
  }
}

/**
 * How many threads this process can keep busy: the processors that it may run on, or fewer where its
 * control group (version 1 or 2) has a quota of their time. At least 1.
 *
 * @param root Where /proc and /sys lie.
 */
export function usableProcessors(root = '/'): number {
  const quota = Math.min(quotaIn(root, 1), quotaIn(root, 2));
  return Math.max(1, Math.min(availableParallelism(), Math.floor(quota)));
}
