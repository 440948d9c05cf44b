import type { Alone } from './record';
import { mean, median } from './statistics';

/**
 * If times differ by more than this fraction, a contestant was disturbed or the machine changed.
 */
export const ALONE_TOLERANCE = 0.03;

/**
 * Compares a contestant's time among the others with its time alone. All times are seconds per
 * batch. Returns null if one of the two was not measured.
 */
export function compareWithAlone(
  company: readonly number[],
  before: readonly number[],
  after: readonly number[],
): Alone | null {
  const phases = [before, after].filter((phase) => phase.length > 0);
  if (phases.length === 0 || company.length === 0) return null;
  const ratio = median(company) / mean(phases.map(median));
  const agrees = Math.abs(ratio - 1) <= ALONE_TOLERANCE;
  return { before: [...before], after: [...after], ratio, agrees };
}
