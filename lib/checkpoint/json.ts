import { LLM2CLIPError } from '../errors';
import { quote } from '../quote';

/** Parsed JSON. Objects have no prototype, so that no key of the file can collide with one. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

export interface JsonLimits {
  /** Largest number of keys in one object. */
  maxKeys: number;
  /** Largest number of values in total. */
  maxValues: number;
}

const MAX_DEPTH = 64;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERALS: readonly [string, JsonValue][] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

/**
 * Parses untrusted JSON. It is stricter than JSON.parse: it refuses duplicate keys, lone
 * surrogates, invalid UTF-8, more than 64 levels, and more keys or values than `limits` allows.
 *
 * @param what name of the file, or of a part of it, for error messages
 * @throws LLM2CLIPError ERR_CHECKPOINT_FORMAT
 */
export function parseJson(bytes: Uint8Array, what: string, limits: JsonLimits): JsonValue {
  return new JsonParser(decode(bytes, what), what, limits).parse();
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function decode(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new LLM2CLIPError('ERR_CHECKPOINT_FORMAT', `${what} is not valid UTF-8`, { cause });
  }
}

class JsonParser {
  readonly #text: string;
  readonly #what: string;
  readonly #limits: JsonLimits;
  #at = 0;
  #values = 0;

  constructor(text: string, what: string, limits: JsonLimits) {
    this.#text = text;
    this.#what = what;
    this.#limits = limits;
  }

  parse(): JsonValue {
    const value = this.#value(0);
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail('expected the end of the JSON');
    return value;
  }

  #value(depth: number): JsonValue {
    if (depth > MAX_DEPTH) this.#fail(`nested deeper than ${MAX_DEPTH} levels`);
    if (++this.#values > this.#limits.maxValues) {
      this.#fail(`holds more than ${this.#limits.maxValues} values`);
    }
    this.#skipSpace();
    const first = this.#text[this.#at];
    if (first === '{') return this.#object(depth);
    if (first === '[') return this.#array(depth);
    if (first === '"') return this.#string();
    return this.#scalar();
  }

  #object(depth: number): JsonObject {
    const object: JsonObject = Object.create(null);
    let keys = 0;
    this.#list('}', () => {
      this.#skipSpace();
      const key = this.#string();
      if (key in object) this.#fail(`duplicate key ${quote(key)}`);
      if (++keys > this.#limits.maxKeys) {
        this.#fail(`an object holds more than ${this.#limits.maxKeys} entries`);
      }
      this.#skipSpace();
      if (this.#text[this.#at++] !== ':') this.#fail('expected ":"');
      object[key] = this.#value(depth + 1);
    });
    return object;
  }

  #array(depth: number): JsonValue[] {
    const array: JsonValue[] = [];
    this.#list(']', () => array.push(this.#value(depth + 1)));
    return array;
  }

  /** Parses comma-separated items from the opening bracket to `close`. */
  #list(close: string, item: () => void): void {
    this.#at++;
    this.#skipSpace();
    if (this.#text[this.#at] === close) {
      this.#at++;
      return;
    }
    for (;;) {
      item();
      this.#skipSpace();
      const next = this.#text[this.#at++];
      if (next === close) return;
      if (next !== ',') this.#fail(`expected "," or "${close}"`);
    }
  }

  #string(): string {
    if (this.#text[this.#at] !== '"') this.#fail('expected a string');
    const start = this.#at++;
    let escaped = false;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at++);
      if (code === 0x22) break;
      if (code === 0x5c) {
        escaped = true;
        this.#at++;
      } else if (!(code >= 0x20)) this.#fail('unterminated string or bare control character');
    }
    const literal = this.#text.slice(start, this.#at);
    return escaped ? this.#unescape(literal) : literal.slice(1, -1);
  }

  #unescape(literal: string): string {
    let text: string;
    try {
      text = JSON.parse(literal);
    } catch {
      this.#fail('bad escape in a string');
    }
    if (/\p{Surrogate}/u.test(text)) this.#fail('lone surrogate in a string');
    return text;
  }

  #scalar(): JsonValue {
    for (const [word, value] of LITERALS) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    NUMBER.lastIndex = this.#at;
    const digits = NUMBER.exec(this.#text)?.[0];
    if (digits === undefined) this.#fail('expected a value');
    this.#at += digits.length;
    return Number(digits);
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #fail(problem: string): never {
    throw new LLM2CLIPError(
      'ERR_CHECKPOINT_FORMAT',
      `${this.#what} is not valid JSON: ${problem} at character ${this.#at}`,
    );
  }
}
