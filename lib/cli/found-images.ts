import { findImages } from '../image/folder';
import { printNote } from './output';

/** Largest number of kinds to name, so that the message stays on one line. */
const MOST_KINDS = 8;

/**
 * Prints which files were skipped because they are not images, e.g. "37 .heic, 2 .bmp not read".
 */
export function printLeftOut(leftOut: ReadonlyMap<string, number>): void {
  if (leftOut.size === 0) return;
  const kinds = [...leftOut].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const named = kinds.slice(0, MOST_KINDS).map(describeKind);
  const others = kinds.slice(MOST_KINDS).reduce((sum, [, count]) => sum + count, 0);
  if (others > 0) named.push(`${others} of other kinds`);
  printNote(`${named.join(', ')} not read`);
}

function describeKind([kind, count]: readonly [string, number]): string {
  const isExtension = kind.startsWith('.');
  return `${count} ${count === 1 || isExtension ? kind : `${kind}s`}`;
}

/** Finds the image files that a command's arguments name, and prints to stderr what was skipped. */
export async function foundImages(
  places: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const { images, leftOut } = await findImages(places, { signal });
  printLeftOut(leftOut);
  return images;
}
