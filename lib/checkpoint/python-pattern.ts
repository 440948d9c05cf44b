import { type PatternNode, PatternParser, PatternUnsupported } from './python-pattern-parser';

/** Number of steps that all patterns of a file may still take together. */
export interface StepBudget {
  left: number;
}

/**
 * A Python regular expression from an untrusted file. It is matched without backtracking, by the
 * set of positions where each part may end. The number of steps is at most quadratic in the length
 * of the text, and is limited by a budget.
 */
export class PythonPattern {
  readonly #root: PatternNode;
  readonly #budget: StepBudget;

  /** @throws PatternUnsupported for backreferences, lookbehind, flags and malformed patterns */
  constructor(source: string, budget: StepBudget) {
    this.#root = new PatternParser(source).parse();
    this.#budget = budget;
  }

  /**
   * Whether the pattern matches the whole text from a position on, like `re.fullmatch`.
   *
   * @throws PatternUnsupported if the budget is used up
   */
  matchesAll(text: string, from = 0): boolean {
    return new Matching(text, this.#budget).ends(this.#root, from).has(text.length);
  }

  /** Whether the pattern matches a module as in PEFT: its whole name, or the part after any dot. */
  matchesEnd(name: string): boolean {
    const matching = new Matching(name, this.#budget);
    for (let from = 0; from >= 0; from = name.indexOf('.', from) + 1 || -1) {
      if (matching.ends(this.#root, from).has(name.length)) return true;
    }
    return false;
  }
}

/** Matches one text. The result of each node at each position is computed once. */
class Matching {
  readonly #text: string;
  readonly #budget: StepBudget;
  readonly #found = new Map<PatternNode, Map<number, ReadonlySet<number>>>();

  constructor(text: string, budget: StepBudget) {
    this.#text = text;
    this.#budget = budget;
  }

  /** Returns the positions where `node` may end if it begins at `at`. */
  ends(node: PatternNode, at: number): ReadonlySet<number> {
    let places = this.#found.get(node);
    if (places === undefined) {
      places = new Map();
      this.#found.set(node, places);
    }
    const known = places.get(at);
    if (known !== undefined) return known;
    this.#step();
    const ends = this.#compute(node, at);
    places.set(at, ends);
    return ends;
  }

  #compute(node: PatternNode, at: number): ReadonlySet<number> {
    switch (node.kind) {
      case 'character': {
        const isThere = at < this.#text.length && node.matches(this.#text.charAt(at));
        return new Set(isThere ? [at + 1] : []);
      }
      case 'place':
        return new Set(node.holds(this.#text, at) ? [at] : []);
      case 'sequence':
        return node.items.reduce<ReadonlySet<number>>(
          (from, item) => this.#endsOfAll(item, from),
          new Set([at]),
        );
      case 'choice':
        return new Set(node.items.flatMap((item) => [...this.ends(item, at)]));
      case 'ahead':
        return new Set(this.ends(node.item, at).size > 0 === node.wanted ? [at] : []);
      case 'repeat':
        return this.#repeat(node, at);
    }
  }

  #endsOfAll(node: PatternNode, from: ReadonlySet<number>): Set<number> {
    const ends = new Set<number>();
    for (const at of from) {
      for (const end of this.ends(node, at)) {
        this.#step();
        ends.add(end);
      }
    }
    return ends;
  }

  #repeat(
    { item, least, most }: Extract<PatternNode, { kind: 'repeat' }>,
    at: number,
  ): ReadonlySet<number> {
    let reached: ReadonlySet<number> = new Set([at]);
    for (let times = 0; times < least && reached.size > 0; times++) {
      reached = this.#endsOfAll(item, reached);
    }
    const ends = new Set(reached);
    for (let times = least; times < most && reached.size > 0; times++) {
      reached = new Set([...this.#endsOfAll(item, reached)].filter((end) => !ends.has(end)));
      for (const end of reached) ends.add(end);
    }
    return ends;
  }

  #step(): void {
    this.#budget.left -= 1;
    if (this.#budget.left < 0) throw new PatternUnsupported('it takes too many steps');
  }
}
