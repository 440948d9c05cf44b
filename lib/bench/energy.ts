import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const POWERCAP = '/sys/class/powercap';

interface Counter {
  file: string;
  /** Value at which the counter wraps around to zero. */
  range: number;
}

/** Finds the energy counters (RAPL) of the processor packages, if the machine has and shows any. */
function counters(): Counter[] {
  try {
    return readdirSync(POWERCAP)
      .filter((name) => /^intel-rapl:\d+$/.test(name))
      .map((name) => {
        const file = join(POWERCAP, name, 'energy_uj');
        readFileSync(file);
        const range = Number(readFileSync(join(POWERCAP, name, 'max_energy_range_uj'), 'utf8'));
        return { file, range };
      });
  } catch {
    return [];
  }
}

/**
 * Starts counting. The returned function says how many joules all packages have used since then.
 */
export function countEnergy(): () => number | null {
  const begun = counters().map((counter) => ({ ...counter, microjoules: read(counter) }));
  return () => {
    if (begun.length === 0) return null;
    const used = begun.map((counter) => {
      const difference = read(counter) - counter.microjoules;
      return difference < 0 ? difference + counter.range : difference;
    });
    return used.reduce((sum, x) => sum + x, 0) / 1e6;
  };
}

function read({ file }: Counter): number {
  return Number(readFileSync(file, 'utf8'));
}
