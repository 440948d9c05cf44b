/**
 * The nodes of a pattern. Greedy and lazy quantifiers are not distinguished: they match the same
 * texts.
 */
export type PatternNode =
  | { kind: 'character'; matches: (character: string) => boolean }
  | { kind: 'place'; holds: (text: string, at: number) => boolean }
  | { kind: 'sequence'; items: readonly PatternNode[] }
  | { kind: 'choice'; items: readonly PatternNode[] }
  | { kind: 'repeat'; item: PatternNode; least: number; most: number }
  | { kind: 'ahead'; item: PatternNode; wanted: boolean };

/** Thrown for a pattern that needs unsupported features. */
export class PatternUnsupported extends Error {}

const LONGEST = 4096;
const DEEPEST = 32;
const MOST_TIMES = 1000;

type Matches = (character: string) => boolean;

const isWord: Matches = (character) => /\w/.test(character);
const not =
  (matches: Matches): Matches =>
  (character) =>
    !matches(character);
const isDigit: Matches = (character) => character >= '0' && character <= '9';
const isSpace: Matches = (character) => /\s/.test(character);

const CLASSES: ReadonlyMap<string, Matches> = new Map([
  ['d', isDigit],
  ['D', not(isDigit)],
  ['w', isWord],
  ['W', not(isWord)],
  ['s', isSpace],
  ['S', not(isSpace)],
]);

const isBorder = (text: string, at: number) =>
  (at > 0 && isWord(text.charAt(at - 1))) !== (at < text.length && isWord(text.charAt(at)));

const PLACES: ReadonlyMap<string, (text: string, at: number) => boolean> = new Map([
  ['^', (_, at) => at === 0],
  ['$', (text, at) => at === text.length],
  ['\\A', (_, at) => at === 0],
  ['\\Z', (text, at) => at === text.length],
  ['\\b', isBorder],
  ['\\B', (text, at) => !isBorder(text, at)],
]);

const GROUP = /\((?:\?(?:(:)|P<\w+>|([=!])))?/y;
const TIMES = /\{(\d*)(?:(,)(\d*))?\}/y;

/** Parses the patterns of module names. It throws {@link PatternUnsupported} for other features. */
export class PatternParser {
  readonly #source: string;
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    if (source.length > LONGEST) throw new PatternUnsupported(`it is longer than ${LONGEST}`);
    this.#source = source;
  }

  parse(): PatternNode {
    const node = this.#choice();
    if (this.#at < this.#source.length) throw new PatternUnsupported('a bracket closes nothing');
    return node;
  }

  #choice(): PatternNode {
    if (++this.#depth > DEEPEST) throw new PatternUnsupported('its groups lie too deep');
    const items = [this.#sequence()];
    while (this.#take('|')) items.push(this.#sequence());
    this.#depth -= 1;
    return { kind: 'choice', items };
  }

  #sequence(): PatternNode {
    const items: PatternNode[] = [];
    while (this.#at < this.#source.length && !/[|)]/.test(this.#peek())) {
      items.push(this.#quantified(this.#atom()));
    }
    return { kind: 'sequence', items };
  }

  #quantified(item: PatternNode): PatternNode {
    const times = this.#times();
    if (times === undefined) return item;
    if (/[+*{]/.test(this.#peek())) throw new PatternUnsupported('a quantifier follows another');
    this.#take('?');
    const [least, most] = times;
    if (Math.max(least, most === Number.POSITIVE_INFINITY ? 0 : most) > MOST_TIMES) {
      throw new PatternUnsupported(`it repeats more than ${MOST_TIMES} times`);
    }
    return { kind: 'repeat', item, least, most };
  }

  #times(): readonly [number, number] | undefined {
    if (this.#take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.#take('?')) return [0, 1];
    const found = this.#exec(TIMES);
    // As in Python, other braces are literal characters.
    if (found === undefined || (found[1] === '' && !found[3])) {
      if (found !== undefined) this.#at -= found[0].length;
      return undefined;
    }
    const least = Number(found[1]);
    if (found[2] === undefined) return [least, least];
    return [least, found[3] ? Number(found[3]) : Number.POSITIVE_INFINITY];
  }

  #atom(): PatternNode {
    const first = this.#peek();
    if (first === '(') return this.#group();
    if (first === '[') return { kind: 'character', matches: this.#class() };
    if (/[*+?]/.test(first)) throw new PatternUnsupported('a quantifier follows nothing');
    if (first === '\\') return this.#escape();
    this.#at += 1;
    const holds = PLACES.get(first);
    if (holds !== undefined) return { kind: 'place', holds };
    if (first === '.') return { kind: 'character', matches: (character) => character !== '\n' };
    return { kind: 'character', matches: (character) => character === first };
  }

  #group(): PatternNode {
    const [whole = '', , ahead] = this.#exec(GROUP) ?? [];
    if (whole === '(' && this.#peek() === '?') throw new PatternUnsupported('a group is special');
    const item = this.#choice();
    if (!this.#take(')')) throw new PatternUnsupported('a group does not end');
    return ahead === undefined ? item : { kind: 'ahead', item, wanted: ahead === '=' };
  }

  #escape(): PatternNode {
    const pair = this.#source.slice(this.#at, this.#at + 2);
    const holds = PLACES.get(pair);
    if (holds === undefined) return { kind: 'character', matches: this.#escaped() };
    this.#at += 2;
    return { kind: 'place', holds };
  }

  #escaped(): Matches {
    const character = this.#source.charAt(this.#at + 1);
    this.#at += 2;
    const known = CLASSES.get(character);
    if (known !== undefined) return known;
    if (character === '' || /[A-Za-z0-9]/.test(character)) {
      throw new PatternUnsupported(`it has the escape \\${character}`);
    }
    return (other) => other === character;
  }

  #class(): Matches {
    this.#at += 1;
    const isNegated = this.#take('^');
    const parts: Matches[] = [];
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      if (this.#at >= this.#source.length) throw new PatternUnsupported('a class does not end');
      parts.push(this.#classPart());
    }
    this.#at += 1;
    const matches: Matches = (character) => parts.some((part) => part(character));
    return isNegated ? not(matches) : matches;
  }

  #classPart(): Matches {
    const low = this.#peek();
    if (low === '\\') return this.#escaped();
    this.#at += 1;
    const high = this.#source.charAt(this.#at + 1);
    if (this.#peek() !== '-' || high === ']' || high === '') return (other) => other === low;
    if (high === '\\') throw new PatternUnsupported('a range ends in an escape');
    this.#at += 2;
    return (other) => other >= low && other <= high;
  }

  #peek(): string {
    return this.#source.charAt(this.#at);
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at += 1;
    return true;
  }

  #exec(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source) ?? undefined;
    this.#at += found?.[0].length ?? 0;
    return found;
  }
}
