import { createReadStream } from 'node:fs';

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** Where in JSON one is. In UTF-8 no byte of another character looks like its punctuation. */
class Nesting {
  /** Arrays and objects that are open. */
  depth = 0;
  #inString = false;
  #isEscaped = false;

  /** Takes the next byte; gives whether it is punctuation. */
  take(byte: number): boolean {
    if (this.#inString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) this.#inString = false;
      return false;
    }
    if (byte === QUOTE) this.#inString = true;
    else if (OPENING.has(byte)) this.depth += 1;
    else if (CLOSING.has(byte)) this.depth -= 1;
    else return byte === COMMA;
    return byte !== QUOTE;
  }
}

/**
 * The elements of a file that is one JSON array, each as text, without the whole of it in memory: the
 * published annotations of ShareGPT4V are larger than a string may be.
 *
 * @throws SyntaxError for an array that does not end
 */
export async function* jsonElements(path: string): AsyncGenerator<string, void, undefined> {
  const nesting = new Nesting();
  let before: Buffer[] = [];
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const bytes = chunk as Buffer;
    let begin = 0;
    for (const [i, byte] of bytes.entries()) {
      if (!nesting.take(byte)) continue;
      const isFirst = nesting.depth === 1 && OPENING.has(byte);
      const isLast = nesting.depth === 0;
      if (isFirst) before = [];
      else if (isLast || (byte === COMMA && nesting.depth === 1)) {
        const text = Buffer.concat([...before, bytes.subarray(begin, i)]).toString();
        before = [];
        if (!isLast || text.trim() !== '') yield text;
        if (isLast) return;
      } else continue;
      begin = i + 1;
    }
    before.push(bytes.subarray(begin));
  }
  throw new SyntaxError('the array does not end');
}
