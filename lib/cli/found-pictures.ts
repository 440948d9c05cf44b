import { findPictures } from '../image/folder';
import { printNote } from './output';

/** Kinds that are named; a folder of anything else has more than a line can say. */
const MOST_KINDS = 8;

/** Says how many files of which kinds lie beside pictures and are not read: "37 .heic, 2 .bmp". */
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

/** The files that the words of a command mean; says on standard error what was left out. */
export async function foundPictures(
  places: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const { pictures, leftOut } = await findPictures(places, { signal });
  printLeftOut(leftOut);
  return pictures;
}
