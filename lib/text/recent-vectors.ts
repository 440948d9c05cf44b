import { LRUCache } from 'lru-cache';

/** What a table of vectors may hold. */
export interface Bounds {
  maxEntries: number;
  maxBytes: number;
}

/** Memory of an entry beside its vector: the key, and its place in the map; about. */
const ENTRY_BYTES = 128;
const BLOCK_BYTES = 1 << 20;

/**
 * Vectors [dim] by key, in blocks that are allocated as they are needed. When it is full, a new one
 * takes the place of that which was not used for longest.
 */
export class RecentVectors {
  readonly dim: number;
  readonly capacity: number;
  readonly #rowsOfBlock: number;
  readonly #blocks: Float32Array[] = [];
  readonly #rows: LRUCache<string, number>;

  constructor(dim: number, { maxEntries, maxBytes }: Bounds) {
    this.dim = dim;
    this.capacity = Math.min(maxEntries, Math.floor(maxBytes / (4 * dim + ENTRY_BYTES)));
    // Bounded by size: bounded by number it would allocate places for all entries at once.
    this.#rows = new LRUCache({ maxSize: Math.max(1, this.capacity), sizeCalculation: () => 1 });
    this.#rowsOfBlock = Math.max(1, Math.floor(BLOCK_BYTES / (4 * dim)));
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Memory that it has taken, about. */
  get bytes(): number {
    const vectors = this.#blocks.reduce((sum, block) => sum + block.byteLength, 0);
    return vectors + this.size * ENTRY_BYTES;
  }

  /** The keys, that of the vector which was not used for longest first. */
  keys(): IterableIterator<string> {
    return this.#rows.rkeys();
  }

  has(key: string): boolean {
    return this.#rows.has(key);
  }

  /** A view, which is good until the next set(); does not count as use. */
  peek(key: string): Float32Array | undefined {
    const row = this.#rows.peek(key);
    return row === undefined ? undefined : this.#vector(row);
  }

  /** A copy. */
  get(key: string): Float32Array | undefined {
    const row = this.#rows.get(key);
    return row === undefined ? undefined : this.#vector(row).slice();
  }

  /** Copies the vector. */
  set(key: string, vector: Float32Array): void {
    if (this.capacity === 0) return;
    const row = this.#rows.get(key) ?? this.#freeRow();
    this.#rows.set(key, row);
    this.#vector(row).set(vector);
  }

  /** Rows are in use without a gap: the next, or that of the vector which goes. */
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
