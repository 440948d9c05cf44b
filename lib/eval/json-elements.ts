const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** Where in JSON one is. */
class Nesting {
  /** Arrays and objects that are open. */
  depth = 0;
  #inString = false;
  #isEscaped = false;

  /** Takes the next code unit; gives whether it is punctuation. */
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
 * The elements of a text that is one JSON array, each as text, without the whole of it in memory: the
 * published annotations of ShareGPT4V are larger than a string may be.
 *
 * @throws SyntaxError for an array that does not end
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
