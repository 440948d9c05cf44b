import { quote } from '../quote';
import { unsafePickle } from './pickle-values';

const PROTO = 0x80;
const LONGEST_GLOBAL = 256;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Lone surrogates in the encoding that Python uses for file names which are not valid text. */
const LONE_SURROGATE = /\xed[\xa0-\xbf][\x80-\xbf]/g;

/** Reads the bytes of a pickle, and refuses to read past the end. */
export class PickleReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get position(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  bytes(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw unsafePickle(`it ends inside the operand at ${this.#at}`);
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  u8(): number {
    return this.bytes(1).readUInt8();
  }

  u16(): number {
    return this.bytes(2).readUInt16LE();
  }

  i32(): number {
    return this.bytes(4).readInt32LE();
  }

  u32(): number {
    return this.bytes(4).readUInt32LE();
  }

  /** Reads the protocol version at the beginning; pickles of protocol 1 do not state it. */
  protocol(): number {
    if (this.#bytes[this.#at] !== PROTO) return 1;
    this.#at++;
    return this.u8();
  }

  /** Reads a length. If it exceeds the pickle, the next read refuses it. */
  u64(): number {
    return Number(this.bytes(8).readBigUInt64LE());
  }

  /** Reads a float, which unlike all else is big-endian. */
  float(): number {
    return this.bytes(8).readDoubleBE();
  }

  /** Reads LONG1: a little-endian two's complement integer of up to 255 bytes. */
  long(length: number): number | bigint {
    const bytes = this.bytes(length);
    const unsigned =
      length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
    const value = BigInt.asIntN(8 * length, unsigned);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  /** Reads INT or LONG in decimal digits. INT also encodes true and false; LONG ends in L. */
  integer(): number | bigint | boolean {
    const line = this.line();
    if (line === '00' || line === '01') return line === '01';
    const [, digits] = /^(-?\d{1,400})L?$/.exec(line) ?? [];
    if (digits === undefined) throw unsafePickle(`${quote(line)} is no integer`);
    const value = BigInt(digits);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  string(length: number): string {
    const bytes = this.bytes(length);
    const text = decoded(bytes) ?? decoded(withoutSurrogates(bytes));
    if (text !== undefined) return text;
    throw unsafePickle(`the string at ${this.#at} is not valid UTF-8`);
  }

  /** Reads a Python 2 str, which is text in old state dicts and bytes elsewhere. */
  oldString(length: number): string | Uint8Array {
    const bytes = this.bytes(length);
    return decoded(bytes) ?? bytes;
  }

  /** Reads up to a line feed, and leaves that out. */
  line(): string {
    const end = this.#bytes.subarray(this.#at, this.#at + LONGEST_GLOBAL + 1).indexOf(0x0a);
    if (end < 0) throw unsafePickle(`the name at ${this.#at} has no end`);
    const line = this.string(end);
    this.#at++;
    return line;
  }
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Replaces each lone surrogate by U+FFFD. */
function withoutSurrogates(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1').replace(LONE_SURROGATE, '\xef\xbf\xbd');
  return Buffer.from(text, 'latin1');
}
