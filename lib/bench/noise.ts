import type { Run } from './record';
import { median } from './statistics';

/**
 * What a run's own figures vary by: half of the spread of its windows, as a share of their median; in
 * throughput where the run set its own pace, in latency where queries came at a rate. Two runs of the
 * same agree within the sum of theirs. Null for a run too short to have windows.
 */
export function noiseOf({ windows, configuration }: Pick<Run, 'windows' | 'configuration'>) {
  const figure = configuration.rate === null ? 'picturesPerSecond' : 'p50';
  const values = windows.map((one) => one[figure]);
  if (values.length === 0) return null;
  return (Math.max(...values) - Math.min(...values)) / 2 / median(values);
}
