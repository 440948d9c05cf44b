// Notes on whether each contestant took the same time among the others as it did alone.
import { ALONE_TOLERANCE } from '../alone';
import type { Alone, Comparison, Contestant, Report } from '../record';
import { median } from '../statistics';
import { formatNumber, oneLine } from './format';

interface Checked {
  name: string;
  alone: Alone;
}

const TOLERANCE = `${100 * ALONE_TOLERANCE} %`;

function checked(contestants: readonly Contestant[]): Checked[] {
  return contestants.flatMap(({ name, alone }) => (alone ? [{ name: oneLine(name), alone }] : []));
}

const times = (ratio: number) => `${ratio.toFixed(2)} ×`;

/** Returns e.g. "2,218 ms before and 2,220 ms after". */
function whenAlone({ before, after }: Alone): string {
  const phase = (seconds: readonly number[], when: string) =>
    seconds.length === 0 ? [] : [`${formatNumber(1000 * median(seconds))} ms ${when}`];
  return [...phase(before, 'before'), ...phase(after, 'after')].join(' and ');
}

function disagreements(apart: readonly Checked[]): string[] {
  if (apart.length === 0) return [];
  const list = apart.map(
    ({ name, alone }) => `${name} ${times(alone.ratio)} (alone ${whenAlone(alone)} the comparison)`,
  );
  return [`Time differs by more than ${TOLERANCE} from the time alone: ${list.join('; ')}.`];
}

function groupsNote({ groups = [] }: Comparison): string[] {
  if (groups.length < 2) return [];
  const lists = groups.map((names) => names.map(oneLine).join(', ')).join('; ');
  return [`Memory did not hold all at once, so ours ran again in each of these groups: ${lists}.`];
}

/** Names the disturbed contestants, or says that there were none. Empty if it was not checked. */
export function aloneNotes(comparison: Comparison): string[] {
  const all = checked(comparison.contestants);
  const apart = all.filter(({ alone }) => !alone.agrees);
  const ratios = all.map(({ alone }) => alone.ratio);
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)].map(times);
  const agreed =
    all.length > 0 && apart.length === 0
      ? [`Each took ${least} to ${most} its time alone, which is within ${TOLERANCE}.`]
      : [];
  return [...groupsNote(comparison), ...disagreements(apart), ...agreed];
}

/** Returns warnings to show before any figure, or nothing if all times agree. */
export function aloneWarnings({ comparisons }: Report): string[] {
  const all = checked(comparisons.flatMap(({ contestants }) => contestants));
  const names = new Set(all.filter(({ alone }) => !alone.agrees).map(({ name }) => name));
  if (names.size === 0) return [];
  return [
    `Time differs by more than ${TOLERANCE} from the time alone: ${[...names].join(', ')}. ` +
      'Measure again on a machine that is otherwise idle.',
  ];
}
