import type { Alone } from './record';
import { mean, median } from './statistics';

/** As a share: by more than this a contestant was disturbed, or the machine changed. */
export const ALONE_TOLERANCE = 0.03;

/**
 * Whether a contestant took the same time in company as alone. All are seconds of a batch; null
 * where it was not timed alone, or not in company.
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
