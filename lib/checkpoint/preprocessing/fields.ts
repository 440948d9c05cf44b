// Fields of the files that state a preprocessing, each checked.
import { LLM2CLIPError } from '../../errors';
import { type Preprocessing, RESAMPLES, type Resample } from '../../image/preprocessing';
import { quote } from '../../quote';
import type { Section } from '../section';

/** A file that states a preprocessing, or the part of one. */
export interface Statement {
  /** What messages call it, e.g. `config.json, pretrained_cfg`. */
  where: string;
  fields: Section;
}

/** What is said and not null. */
export function stated({ fields }: Statement, key: string): unknown {
  return Object.hasOwn(fields, key) ? (fields[key] ?? undefined) : undefined;
}

export function unsupported({ where }: Statement, key: string, found: unknown, expected: string) {
  return new LLM2CLIPError(
    'ERR_CHECKPOINT_UNSUPPORTED',
    `${where} says ${quote(key)} is ${quote(String(JSON.stringify(found)))}, expected ${expected}`,
  );
}

/** Refuses what changes pictures in a way that is not known here, unless it is off. */
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

/** A number a channel; one of all three where one is said. */
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

/** By Pillow's number. */
const BY_NUMBER: readonly Resample[] = [
  'nearest',
  'lanczos',
  'bilinear',
  'bicubic',
  'box',
  'hamming',
];

/** A filter by Pillow's name or, where a file writes it so, by its number. */
export function resample(from: Statement, key: string, usual: Resample): Resample {
  const found = stated(from, key) ?? usual;
  const name = typeof found === 'number' ? BY_NUMBER[found] : found;
  const known = RESAMPLES.find((one) => one === name);
  if (known !== undefined) return known;
  throw unsupported(from, key, found, `one of Pillow's filters (${RESAMPLES.join(', ')})`);
}

/** @throws ERR_CHECKPOINT_MISMATCH for another size than the weights' */
export function requireSize({ where }: Statement, key: string, found: unknown, size: number): void {
  const edges: unknown[] = [found].flat();
  if (edges.length > 0 && edges.every((edge) => edge === size)) return;
  throw new LLM2CLIPError(
    'ERR_CHECKPOINT_MISMATCH',
    `${where} says ${quote(key)} is ${quote(String(JSON.stringify(found)))}, ` +
      `the weights are for pictures of ${size} × ${size}`,
  );
}
