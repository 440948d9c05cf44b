// Describes the machine and its software as pairs of a name and a value.
import type { Machine, Report } from '../record';
import { formatCount, formatNumber, oneLine } from './format';

type Pair = readonly [name: string, value: string];

function versionPairs(versions: Record<string, string>): Pair[] {
  return Object.entries(versions).map(([name, version]) => [oneLine(name), oneLine(version)]);
}

export function machinePairs(machine: Machine): Pair[] {
  const { cpu, cores, features, memoryBytes, gpu, driver, platform, kernel } = machine;
  const pairs: [string, string | null][] = [
    ['CPU', `${cpu}, ${formatCount(cores)} cores`],
    ['features', features.join(' ')],
    ['memory', `${formatNumber(memoryBytes / 2 ** 30)} GiB`],
    ['GPU', gpu],
    ['driver', driver],
    ['platform', platform],
    ['kernel', kernel],
  ];
  return pairs.flatMap(([name, value]) => (value ? [[name, oneLine(value)] as const] : []));
}

/** Lists the versions of this process, and those of contestants that differ. */
export function softwarePairs({ machine, comparisons }: Report): Pair[] {
  const pairs = new Map(versionPairs(machine.versions).map((pair) => [pair.join(' '), pair]));
  for (const { versions } of comparisons.flatMap(({ contestants }) => contestants)) {
    for (const pair of versionPairs(versions)) pairs.set(pair.join(' '), pair);
  }
  return [...pairs.values()];
}
