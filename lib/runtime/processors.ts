import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

/** Reads a file. Returns '' if it does not exist or cannot be read. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

interface Mount {
  /** The control group that is mounted. */
  root: string;
  point: string;
}

/** Finds the mount of control groups: that of version 2, or the `cpu` controller of version 1. */
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

/** Returns this process's group in a hierarchy, e.g. `/user.slice`. */
function groupOf(groups: string, version: 1 | 2): string | undefined {
  for (const line of groups.split('\n')) {
    const [, id, controllers = '', path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    const isIt = version === 2 ? id === '0' : controllers.split(',').includes('cpu');
    if (isIt && path !== undefined) return path;
  }
  return undefined;
}

/** Returns the number of processors whose time a group may use; infinite without a limit. */
function quotaOf(folder: string, version: 1 | 2): number {
  const [quota, period] =
    version === 2
      ? read(join(folder, 'cpu.max')).split(' ')
      : ['quota', 'period'].map((name) => read(join(folder, `cpu.cfs_${name}_us`)));
  const share = Number(quota) / Number(period);
  return share > 0 ? share : Number.POSITIVE_INFINITY;
}

/** Returns the lowest quota of this process's group and its parents, up to the mounted one. */
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
 * Returns the number of threads that this process can keep busy, at least 1. It is the number of
 * processors on which the process may run, or fewer if its control group (version 1 or 2) has a
 * quota.
 *
 * @param root folder that contains /proc and /sys
 */
export function usableProcessors(root = '/'): number {
  const quota = Math.min(quotaIn(root, 1), quotaIn(root, 2));
  return Math.max(1, Math.min(availableParallelism(), Math.floor(quota)));
}
