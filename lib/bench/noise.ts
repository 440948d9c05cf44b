import type { Run } from './record';
import { median } from './statistics';

/**
 * Returns the noise of a run: half of the spread of its windows, as a fraction of their median. It
 * is measured in throughput if the run set its own pace, and in latency if queries came at a rate.
 * Two runs of the same configuration agree within the sum of their noise. Null if a run is too
 * short for windows.
 */
export function noiseOf({ windows, configuration }: Pick<Run, 'windows' | 'configuration'>) {
  const figure = configuration.rate === null ? 'picturesPerSecond' : 'p50';
  const values = windows.map((one) => one[figure]);
  if (values.length === 0) return null;
  return (Math.max(...values) - Math.min(...values)) / 2 / median(values);
}
