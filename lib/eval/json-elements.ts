const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** Tracks the nesting of JSON while its code units are read. */
class Nesting {
  /** Number of open arrays and objects. */
  depth = 0;
  #inString = false;
  #isEscaped = false;

  /** Reads the next code unit. Returns whether it is punctuation outside a string. */
  take(unit: number): boolean {
    if (this.#inString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (unit === BACKSLASH) this.#isEscaped = true;
      else if (unit === QUOTE) this.#inString = false;
      return false;
    }
    if (unit === QUOTE) this.#inString = true;
    else if (OPENING.has(unit)) this.depth += 1;
    else if (CLOSING.has(unit)) this.depth -= 1;
    else return unit === COMMA;
    return unit !== QUOTE;
  }
}

/**
 * Yields the elements of a JSON array as texts, without keeping the whole array in memory. The
 * published annotations of ShareGPT4V are larger than the longest JavaScript string.
 *
 * @throws SyntaxError if the array does not end
 */
export async function* jsonElements(
  pieces: AsyncIterable<string>,
): AsyncGenerator<string, void, undefined> {
  const nesting = new Nesting();
  let before: string[] = [];
  for await (const piece of pieces) {
    let begin = 0;
    for (let i = 0; i < piece.length; i++) {
      const unit = piece.charCodeAt(i);
      if (!nesting.take(unit)) continue;
      const isFirst = nesting.depth === 1 && OPENING.has(unit);
      const isLast = nesting.depth === 0;
      if (isFirst) before = [];
      else if (isLast || (unit === COMMA && nesting.depth === 1)) {
        const text = [...before, piece.slice(begin, i)].join('');
        before = [];
        if (!isLast || text.trim() !== '') yield text;
        if (isLast) return;
      } else continue;
      begin = i + 1;
    }
    before.push(piece.slice(begin));
  }
  throw new SyntaxError('the array does not end');
}
