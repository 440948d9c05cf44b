import { isObject } from '../arguments';
import { LLM2CLIPError } from '../errors';

export const MANIFEST_NAME = 'llm2clip.json';

type Fields = Record<string, unknown>;

/** Reads and checks the fields of an object in the manifest. */
export class FieldReader {
  readonly #fields: Fields;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    if (!isObject(value) || Array.isArray(value)) throw invalidField('an object', path, value);
    this.#fields = value;
    this.#path = path;
  }

  #at(key: string): string {
    return this.#path === '' ? key : `${this.#path}.${key}`;
  }

  child(key: string): FieldReader {
    return new FieldReader(this.#fields[key], this.#at(key));
  }

  entries(): [string, FieldReader][] {
    return Object.entries(this.#fields).map(([key, value]) => [
      key,
      new FieldReader(value, this.#at(key)),
    ]);
  }

  /** Returns a reader for each object of an array. */
  list(key: string): FieldReader[] {
    const value = this.#fields[key];
    if (!Array.isArray(value)) throw invalidField('an array', this.#at(key), value);
    return value.map((item, i) => new FieldReader(item, `${this.#at(key)}[${i}]`));
  }

  string(key: string): string {
    const value = this.#fields[key];
    if (typeof value !== 'string') throw invalidField('a string', this.#at(key), value);
    return value;
  }

  /** Whether an optional field is present. */
  has(key: string): boolean {
    return Object.hasOwn(this.#fields, key);
  }

  /** Refuses a field that belongs to a part which the bundle does not have. */
  requireAbsent(key: string): void {
    if (this.has(key)) throw invalidField('nothing', this.#at(key), this.#fields[key]);
  }

  isNull(key: string): boolean {
    return this.#fields[key] === null;
  }

  integer(key: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.#fields[key];
    const whole = Number.isSafeInteger(value) ? (value as number) : Number.NaN;
    if (whole >= least && whole <= most) return whole;
    const range = most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `${least} to ${most}`;
    throw invalidField(`an integer of ${range}`, this.#at(key), value);
  }

  boolean(key: string): boolean {
    const value = this.#fields[key];
    if (typeof value === 'boolean') return value;
    throw invalidField('true or false', this.#at(key), value);
  }

  positive(key: string): number {
    const value = this.#fields[key];
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
    throw invalidField('a positive number', this.#at(key), value);
  }

  /** Returns a number from −1 to 1. */
  cosine(key: string): number {
    const value = this.#fields[key];
    if (typeof value === 'number' && value >= -1 && value <= 1) return value;
    throw invalidField('a number from -1 to 1', this.#at(key), value);
  }

  strings(key: string): string[] {
    const value = this.#fields[key];
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    throw invalidField('an array of strings', this.#at(key), value);
  }

  oneOf<T extends string>(key: string, choices: readonly T[]): T {
    const value = this.#fields[key];
    const found = choices.find((choice) => choice === value);
    if (found === undefined)
      throw invalidField(`one of ${choices.join(', ')}`, this.#at(key), value);
    return found;
  }

  triple(key: string): [number, number, number] {
    const value = this.#fields[key];
    const finite = Array.isArray(value) && value.every((x) => Number.isFinite(x));
    if (!finite || value.length !== 3) throw invalidField('three numbers', this.#at(key), value);
    return value as [number, number, number];
  }
}

/** Describes a value that is too large for an error message. */
function kindOf(value: object): string {
  return Array.isArray(value) ? `an array of ${value.length}` : 'an object';
}

/** Makes the error for a wrong field. */
export function invalidField(expected: string, path: string, found: unknown): LLM2CLIPError {
  const where = path === '' ? MANIFEST_NAME : `${path} in ${MANIFEST_NAME}`;
  const shown = isObject(found)
    ? kindOf(found)
    : (JSON.stringify(found)?.slice(0, 80) ?? 'nothing');
  return new LLM2CLIPError(
    'ERR_BUNDLE_INVALID',
    `expected ${expected} for ${where}, found ${shown}`,
  );
}
