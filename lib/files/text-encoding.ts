import { TextDecoder } from 'node:util';
import { invalidContent } from '../arguments';

/** Byte order marks that a text file may begin with. Encodings without a decoder are refused. */
const MARKS: readonly { bytes: readonly number[]; name: string; decoder?: string }[] = [
  { bytes: [0xff, 0xfe, 0, 0], name: 'UTF-32LE' },
  { bytes: [0, 0, 0xfe, 0xff], name: 'UTF-32BE' },
  { bytes: [0x84, 0x31, 0x95, 0x33], name: 'GB18030' },
  { bytes: [0xef, 0xbb, 0xbf], name: 'UTF-8', decoder: 'utf-8' },
  { bytes: [0xff, 0xfe], name: 'UTF-16LE', decoder: 'utf-16le' },
  { bytes: [0xfe, 0xff], name: 'UTF-16BE', decoder: 'utf-16be' },
];

const UTF_8 = { name: 'UTF-8', decoder: 'utf-8' };

/** Escape sequences that change the character set, as in ISO-2022-JP. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the control character is what is looked for
const SHIFTS = /\x1b[$(]/;

/**
 * Whether a byte is a control character. Such bytes are the upper bytes of UTF-16 characters in
 * many scripts; in UTF-8 texts they are rare.
 */
const isControl = (byte: number) =>
  byte < 9 || (byte > 13 && byte < 26) || (byte > 27 && byte < 32);
/** Largest share of control characters in a piece of UTF-8 text. */
const MOST_CONTROLS = 1 / 8;

function hasManyControls(text: string): boolean {
  let count = 0;
  for (let i = 0; i < text.length; i++) if (isControl(text.charCodeAt(i))) count += 1;
  return count > MOST_CONTROLS * text.length;
}

/**
 * Decodes a text file piece by piece. The encoding is UTF-8, or what the byte order mark states;
 * the mark itself is dropped. Other encodings are refused, because their bytes would be embedded as
 * other characters. UTF-16 without a mark is recognised by its control characters, which a text
 * that consists only of ideographs may not have.
 */
export class TextFileDecoder {
  readonly #path: string;
  #decoder: TextDecoder | undefined;
  #name = UTF_8.name;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Decodes a piece of the file.
   *
   * @param bytes The first piece must have at least four bytes, or be the whole file.
   * @throws RangeError (ERR_INVALID_ARG)
   */
  decode(bytes: Uint8Array): string {
    this.#decoder ??= this.#begin(bytes);
    const text = this.#attempt(bytes, () => this.#decoder?.decode(bytes, { stream: true }));
    const isOther = this.#name === 'UTF-8' && (SHIFTS.test(text) || hasManyControls(text));
    if (isOther || text.includes('\0')) this.#refuse(bytes);
    return text;
  }

  /**
   * Returns the rest of the text.
   *
   * @throws RangeError (ERR_INVALID_ARG) if the file ends within a character
   */
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

/** Guesses the encoding of bytes that are not UTF-8. `name` is its name for iconv. */
function guess(bytes: Uint8Array): { found: string; name: string } {
  if (bytes.some(isControl)) return guessByControls(bytes);
  const isShifted = SHIFTS.test(Buffer.from(bytes).toString('latin1'));
  if (isShifted) return { found: 'ISO-2022-JP or one of its kind', name: 'ISO-2022-JP' };
  return guessByRuns(bytes);
}

/**
 * Guesses by control characters, which are the upper bytes of many characters: two adjacent bytes
 * of four in UTF-32, one byte of two in UTF-16.
 */
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

/**
 * Guesses by runs of high bytes. In western languages accented letters stand alone between ASCII
 * letters; other scripts have long runs.
 */
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
