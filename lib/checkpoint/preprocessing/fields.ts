// Reads and checks the fields of files that state a preprocessing.
import { LLM2CLIPError } from '../../errors';
import { type Preprocessing, RESAMPLES, type Resample } from '../../image/preprocessing';
import { quote } from '../../quote';
import type { Section } from '../section';

/** A file, or a part of a file, that states a preprocessing. */
export interface Statement {
  /** Its name in messages, e.g. `config.json, pretrained_cfg`. */
  where: string;
  fields: Section;
}

/** Returns a field, or undefined if it is missing or null. */
export function stated({ fields }: Statement, key: string): unknown {
  return Object.hasOwn(fields, key) ? (fields[key] ?? undefined) : undefined;
}

export function unsupported({ where }: Statement, key: string, found: unknown, expected: string) {
  return new LLM2CLIPError(
    'ERR_CHECKPOINT_UNSUPPORTED',
    `${where} says ${quote(key)} is ${quote(String(JSON.stringify(found)))}, expected ${expected}`,
  );
}

/** Refuses unsupported steps, unless they are turned off. */
export function refuse(from: Statement, keys: readonly string[]): void {
  for (const key of keys) {
    const found = stated(from, key);
    if (found !== undefined && found !== false) throw unsupported(from, key, found, 'none');
  }
}

export function boolean(from: Statement, key: string, usual: boolean): boolean {
  const found = stated(from, key) ?? usual;
  if (typeof found === 'boolean') return found;
  throw unsupported(from, key, found, 'true or false');
}

export function positive(from: Statement, key: string, usual: number): number {
  const found = stated(from, key) ?? usual;
  if (typeof found === 'number' && Number.isFinite(found) && found > 0) return found;
  throw unsupported(from, key, found, 'a positive number');
}

type Triple = Preprocessing['mean'];

/** Reads one number per channel. A single number applies to all three. */
function triple(from: Statement, key: string, usual: Triple): Triple {
  const found = stated(from, key) ?? usual;
  const numbers: unknown[] = Array.isArray(found) && found.length > 1 ? found : [found].flat();
  const [red, green = red, blue = red] = numbers;
  const all = [red, green, blue];
  if (numbers.length !== 2 && numbers.length <= 3 && all.every((x) => Number.isFinite(x))) {
    return all as Triple;
  }
  throw unsupported(from, key, found, 'three numbers');
}

export const mean = triple;

export function deviation(from: Statement, key: string, usual: Triple): Triple {
  const std = triple(from, key, usual);
  if (std.every((channel) => channel > 0)) return std;
  throw unsupported(from, key, std, 'positive numbers');
}

/** Filters, indexed by Pillow's numbers. */
const BY_NUMBER: readonly Resample[] = [
  'nearest',
  'lanczos',
  'bilinear',
  'bicubic',
  'box',
  'hamming',
];

/** Reads a filter, stated by Pillow's name or number. */
export function resample(from: Statement, key: string, usual: Resample): Resample {
  const found = stated(from, key) ?? usual;
  const name = typeof found === 'number' ? BY_NUMBER[found] : found;
  const known = RESAMPLES.find((one) => one === name);
  if (known !== undefined) return known;
  throw unsupported(from, key, found, `one of Pillow's filters (${RESAMPLES.join(', ')})`);
}

/**
 * Checks that a stated size is that of the weights.
 *
 * @throws LLM2CLIPError ERR_CHECKPOINT_MISMATCH
 */
export function requireSize({ where }: Statement, key: string, found: unknown, size: number): void {
  const edges: unknown[] = [found].flat();
  if (edges.length > 0 && edges.every((edge) => edge === size)) return;
  throw new LLM2CLIPError(
    'ERR_CHECKPOINT_MISMATCH',
    `${where} says ${quote(key)} is ${quote(String(JSON.stringify(found)))}, ` +
      `the weights are for images of ${size} × ${size}`,
  );
}
