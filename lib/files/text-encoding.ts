import { TextDecoder } from 'node:util';
import { invalidContent } from '../arguments';

/** What a file of text may begin with; without a decoder it is not read. */
const MARKS: readonly { bytes: readonly number[]; name: string; decoder?: string }[] = [
  { bytes: [0xff, 0xfe, 0, 0], name: 'UTF-32LE' },
  { bytes: [0, 0, 0xfe, 0xff], name: 'UTF-32BE' },
  { bytes: [0x84, 0x31, 0x95, 0x33], name: 'GB18030' },
  { bytes: [0xef, 0xbb, 0xbf], name: 'UTF-8', decoder: 'utf-8' },
  { bytes: [0xff, 0xfe], name: 'UTF-16LE', decoder: 'utf-16le' },
  { bytes: [0xfe, 0xff], name: 'UTF-16BE', decoder: 'utf-16be' },
];

const UTF_8 = { name: 'UTF-8', decoder: 'utf-8' };

/** Escape sequences that change the set of characters, as in ISO-2022-JP. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the control character is what is looked for
const SHIFTS = /\x1b[$(]/;

/** Upper bytes of UTF-16 in many scripts, which texts in UTF-8 have one of now and then. */
const isControl = (byte: number) =>
  byte < 9 || (byte > 13 && byte < 26) || (byte > 27 && byte < 32);
/** Of the characters of a piece of text. */
const MOST_CONTROLS = 1 / 8;

function hasManyControls(text: string): boolean {
  let count = 0;
  for (let i = 0; i < text.length; i++) if (isControl(text.charCodeAt(i))) count += 1;
  return count > MOST_CONTROLS * text.length;
}

/**
 * Decodes a file of text piece by piece: UTF-8, or what its byte order mark says, which is dropped.
 * Another encoding is refused, since its bytes would be embedded as other characters. UTF-16 without
 * its mark is told by its control characters, which texts of ideographs alone may not have.
 */
export class TextFileDecoder {
  readonly #path: string;
  #decoder: TextDecoder | undefined;
  #name = UTF_8.name;

  constructor(path: string) {
    this.#path = path;
  }

  /** @param bytes The first piece has at least four of them, or all. @throws RangeError (ERR_INVALID_ARG) */
  decode(bytes: Uint8Array): string {
    this.#decoder ??= this.#begin(bytes);
    const text = this.#attempt(bytes, () => this.#decoder?.decode(bytes, { stream: true }));
    const isOther = this.#name === 'UTF-8' && (SHIFTS.test(text) || hasManyControls(text));
    if (isOther || text.includes('\0')) this.#refuse(bytes);
    return text;
  }

  /** What is left. @throws RangeError (ERR_INVALID_ARG) for half a character */
  end(): string {
    return this.#attempt(new Uint8Array(), () => this.#decoder?.decode());
  }

  #begin(bytes: Uint8Array): TextDecoder {
    const mark = MARKS.find((candidate) => candidate.bytes.every((byte, i) => bytes[i] === byte));
    const { name, decoder } = mark ?? UTF_8;
    if (decoder === undefined) throw invalidEncoding(this.#path, name, name);
    this.#name = name;
    return new TextDecoder(decoder, { fatal: true });
  }

  #attempt(bytes: Uint8Array, decode: () => string | undefined): string {
    try {
      return decode() ?? '';
    } catch {
      return this.#refuse(bytes);
    }
  }

  #refuse(bytes: Uint8Array): never {
    if (this.#name === 'UTF-8') {
      const { found, name } = guess(bytes);
      throw invalidEncoding(this.#path, found, name);
    }
    throw invalidEncoding(this.#path, `damaged ${this.#name}`, this.#name);
  }
}

/** What bytes that are no UTF-8 are likely to be, and its name for iconv. */
function guess(bytes: Uint8Array): { found: string; name: string } {
  if (bytes.some(isControl)) return guessByControls(bytes);
  const isShifted = SHIFTS.test(Buffer.from(bytes).toString('latin1'));
  if (isShifted) return { found: 'ISO-2022-JP or one of its kind', name: 'ISO-2022-JP' };
  return guessByRuns(bytes);
}

/** Upper bytes of many characters are such: of UTF-32 two next to each other, of UTF-16 one. */
function guessByControls(bytes: Uint8Array): { found: string; name: string } {
  const shares = [0, 1, 2, 3].map((place) => {
    const count = bytes.filter((byte, i) => isControl(byte) && i % 4 === place).length;
    return (4 * count) / bytes.length;
  });
  const [a = 0, b = 0, c = 0, d = 0] = shares;
  const isAlone = Math.min(a + c, b + d) <= Math.max(a + c, b + d) / 8;
  const name = [
    { name: 'UTF-32LE', fits: Math.min(c, d) > 0.8 },
    { name: 'UTF-32BE', fits: Math.min(a, b) > 0.8 },
    { name: 'UTF-16LE', fits: isAlone && b + d > a + c },
    { name: 'UTF-16BE', fits: isAlone },
  ].find(({ fits }) => fits)?.name;
  if (name === undefined) return { found: 'bytes that are no text', name: 'ENCODING' };
  return { found: `${name} without a byte order mark`, name };
}

/** Accents of western languages stand alone among letters of ASCII; other scripts are long runs. */
function guessByRuns(bytes: Uint8Array): { found: string; name: string } {
  const isHigh = (i: number) => (bytes[i] ?? 0) >= 0x80;
  const high = [...bytes.keys()].filter(isHigh);
  const alone = high.filter((i) => !isHigh(i - 1) && !isHigh(i + 1));
  if (alone.length < high.length / 2) {
    return {
      found: 'another encoding, such as GB18030, Shift_JIS, EUC-KR or Windows-1251',
      name: 'ENCODING',
    };
  }
  const isWindows = high.some((i) => (bytes[i] ?? 0) < 0xa0);
  return isWindows
    ? { found: 'an encoding of single bytes, such as Windows-1252', name: 'WINDOWS-1252' }
    : { found: 'an encoding of single bytes, such as Latin-1 (ISO 8859-1)', name: 'ISO-8859-1' };
}

function invalidEncoding(path: string, found: string, name: string): RangeError {
  return invalidContent(
    `expected text in UTF-8, or in UTF-16 with a byte order mark, in ${path}, found ${found}; ` +
      `convert it, for example with: iconv -f ${name} -t UTF-8 ${JSON.stringify(path)} > utf-8.txt`,
  );
}
