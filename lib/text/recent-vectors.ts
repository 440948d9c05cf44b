import { LRUCache } from 'lru-cache';

/** Limits of a table of vectors. */
export interface Bounds {
  maxEntries: number;
  maxBytes: number;
}

/** Approximate memory of an entry's key and its place in the map, in bytes. */
const ENTRY_BYTES = 128;
const BLOCK_BYTES = 1 << 20;

/**
 * A table of vectors [dim] by key. Memory is allocated in blocks, as needed. When the table is
 * full, a new vector replaces the least recently used one.
 */
export class RecentVectors {
  readonly dim: number;
  readonly capacity: number;
  readonly #rowsOfBlock: number;
  readonly #blocks: Float32Array[] = [];
  /** Row numbers by key, the least recently used one first. */
  readonly #rows: LRUCache<string, number>;

  constructor(dim: number, { maxEntries, maxBytes }: Bounds) {
    this.dim = dim;
    this.capacity = Math.min(maxEntries, Math.floor(maxBytes / (4 * dim + ENTRY_BYTES)));
    // A limit by size, because with a limit by count lru-cache allocates room for all entries.
    this.#rows = new LRUCache({ maxSize: Math.max(1, this.capacity), sizeCalculation: () => 1 });
    this.#rowsOfBlock = Math.max(1, Math.floor(BLOCK_BYTES / (4 * dim)));
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Approximate memory of the table, in bytes. */
  get bytes(): number {
    const vectors = this.#blocks.reduce((sum, block) => sum + block.byteLength, 0);
    return vectors + this.size * ENTRY_BYTES;
  }

  /** The keys, the least recently used one first. */
  keys(): IterableIterator<string> {
    return this.#rows.rkeys();
  }

  has(key: string): boolean {
    return this.#rows.has(key);
  }

  /** Returns a view that is valid until the next set(). It does not count as use. */
  peek(key: string): Float32Array | undefined {
    const row = this.#rows.peek(key);
    return row === undefined ? undefined : this.#vector(row);
  }

  /** Returns a copy of the vector. */
  get(key: string): Float32Array | undefined {
    const row = this.#rows.get(key);
    return row === undefined ? undefined : this.#vector(row).slice();
  }

  /** Stores a copy of the vector. */
  set(key: string, vector: Float32Array): void {
    if (this.capacity === 0) return;
    const row = this.#rows.get(key) ?? this.#freeRow();
    this.#rows.set(key, row);
    this.#vector(row).set(vector);
  }

  /** Returns the next unused row, or that of the least recently used vector, which is removed. */
  #freeRow(): number {
    if (this.size < this.capacity) return this.size;
    return this.#rows.pop() ?? 0;
  }

  #vector(row: number): Float32Array {
    const block = Math.floor(row / this.#rowsOfBlock);
    const first = block * this.#rowsOfBlock;
    const rows = Math.min(this.#rowsOfBlock, this.capacity - first);
    this.#blocks[block] ??= new Float32Array(rows * this.dim);
    const start = (row - first) * this.dim;
    return (this.#blocks[block] as Float32Array).subarray(start, start + this.dim);
  }
}
