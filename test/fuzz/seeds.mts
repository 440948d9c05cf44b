import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, 'seeds');

/** Returns the seeds whose names end in `end`; tools/make-fuzz-seeds.mts makes them. */
export function seedsOf(end: string): [Buffer, ...Buffer[]] {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith(end));
  const [first, ...others] = names.map((name): Buffer => readFileSync(join(FOLDER, name)));
  if (first === undefined) throw new RangeError(`no seed in ${FOLDER} ends in ${end}`);
  return [first, ...others];
}

/** Returns the seeds that torch.save wrote as archives. */
export function archiveSeeds(): Buffer[] {
  return seedsOf('.pt').filter((bytes) => bytes.toString('latin1', 0, 2) === 'PK');
}
