import { invalidRange, invalidType } from '../arguments';

/** Identifies a vector: the string that it was added with, or its number. */
export type VectorId = string | number;

/** The ids of an index's rows: either strings for all rows, or the row numbers. */
export class RowIds {
  #count = 0;
  /** Ids by row; undefined if rows are numbered. */
  #given: string[] | undefined;
  readonly #rows = new Map<string, number>();

  /** Number of rows, including removed ones. */
  get count(): number {
    return this.#count;
  }

  /** Throws if rows cannot be added with these ids after the removal of the ids in `removed`. */
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

  /** Adds rows whose ids have been checked. */
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

  /** Removes ids and returns the rows of those that existed. */
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

  /**
   * Returns the ids of the rows from `first` to `last` − 1 that are not removed, or undefined if
   * rows are numbered.
   */
  live(first: number, last: number): string[] | undefined {
    const given = this.#given;
    if (given === undefined) return undefined;
    return given.slice(first, last).filter((id, i) => this.#rows.get(id) === first + i);
  }
}
