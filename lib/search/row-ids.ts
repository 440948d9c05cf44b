import { invalidRange, invalidType } from '../arguments';

/** What a vector is known by: the string it was added with, or its number. */
export type VectorId = string | number;

/** The ids of an index's rows: strings for all of them, or the rows' numbers. */
export class RowIds {
  #count = 0;
  /** By row; undefined where rows are numbered. */
  #given: string[] | undefined;
  readonly #rows = new Map<string, number>();

  /** Of rows, those removed included. */
  get count(): number {
    return this.#count;
  }

  /** Throws unless so many rows may be added by these ids, after those `removed` have gone. */
  check(rows: number, ids: unknown, removed: readonly string[] = []): void {
    if (rows === 0 && ids === undefined) return;
    if (this.#count > 0 && (ids === undefined) !== (this.#given === undefined)) {
      const before = this.#given === undefined ? 'none, as before' : 'strings, as before';
      throw invalidRange(before, 'ids', ids);
    }
    if (ids === undefined) return;
    if (!Array.isArray(ids)) throw invalidType('an array of strings', 'ids', ids);
    if (ids.length !== rows) throw invalidRange(`one for each of ${rows} vectors`, 'ids', ids);
    this.#checkEach(ids, new Set(removed));
  }

  #checkEach(ids: readonly unknown[], removed: ReadonlySet<string>): void {
    const seen = new Set<string>();
    for (const [i, id] of ids.entries()) {
      if (typeof id !== 'string') throw invalidType('a string', `ids[${i}]`, id);
      if (seen.has(id) || (this.#rows.has(id) && !removed.has(id))) {
        throw invalidRange('an id that no other vector has', `ids[${i}]`, id);
      }
      seen.add(id);
    }
  }

  /** For rows that have been checked. */
  add(rows: number, ids: readonly string[] | undefined): void {
    if (ids !== undefined && rows > 0) {
      this.#given ??= [];
      for (const [i, id] of ids.entries()) {
        this.#given.push(id);
        this.#rows.set(id, this.#count + i);
      }
    }
    this.#count += rows;
  }

  /** Forgets ids; gives the rows of those that were there. */
  remove(ids: readonly string[]): Uint32Array {
    const rows: number[] = [];
    for (const id of ids) {
      const row = this.#rows.get(id);
      if (row === undefined) continue;
      rows.push(row);
      this.#rows.delete(id);
    }
    return Uint32Array.from(rows);
  }

  has(id: string): boolean {
    return this.#rows.has(id);
  }

  at(row: number): VectorId {
    return this.#given?.[row] ?? row;
  }

  /** Of the rows `first` to `last` − 1, the ids of those that are not removed; undefined where rows are numbered. */
  live(first: number, last: number): string[] | undefined {
    const given = this.#given;
    if (given === undefined) return undefined;
    return given.slice(first, last).filter((id, i) => this.#rows.get(id) === first + i);
  }
}
