import { LLM2CLIPError } from '../errors';
import { fileExists } from '../files/file-exists';
import {
  type BundleMark,
  type CatalogueNote,
  PictureCatalogue,
  type PictureEntry,
} from './picture-catalogue';
import type { Storage } from './storage';
import { type SearchResult, type SearchWork, VectorTable } from './vector-table';

/** What a picture came to. */
export interface EncodedPicture {
  entry: PictureEntry;
  /** Absent where the entry says why. */
  embedding?: Float32Array;
}

/** Vectors of more than this share that were replaced or dropped are written out of the file. */
const MOST_REMOVED = 0.25;

/** An index file of pictures, whose ids are their paths. */
export class PictureIndex {
  readonly #path: string;
  readonly #table: VectorTable;
  readonly #catalogue: PictureCatalogue;

  private constructor(path: string, table: VectorTable) {
    this.#path = path;
    this.#table = table;
    this.#catalogue = new PictureCatalogue(table.extras, path);
    // Of a file that was cut, the end of which held vectors.
    const lost = this.entries.filter(({ path, error }) => !error && !table.has(path));
    this.#catalogue.apply({ gone: lost.map(({ path }) => path) });
  }

  /** Opens a file, to write it if asked for. Errors as VectorIndex.open's. */
  static async open(path: string, { append = false } = {}): Promise<PictureIndex> {
    const table = await VectorTable.open(path, append);
    try {
      return new PictureIndex(path, table);
    } catch (error) {
      await table.dispose();
      throw error;
    }
  }

  /** Opens a file to write it, which is made if it is not there. */
  static async openOrCreate(
    path: string,
    bundle: BundleMark,
    format: { storage: Storage; dim: number },
  ): Promise<PictureIndex> {
    if (!(await fileExists(path))) {
      const table = VectorTable.create(format.storage, format.dim);
      await table.save(path, [{ bundle } satisfies CatalogueNote]);
      await table.dispose();
    }
    return PictureIndex.open(path, { append: true });
  }

  get bundle(): BundleMark {
    return this.#catalogue.bundle;
  }

  get storage(): Storage {
    return this.#table.storage;
  }

  /** Pictures that have a vector. */
  get size(): number {
    return this.#table.size;
  }

  get entries(): readonly PictureEntry[] {
    return this.#catalogue.entries;
  }

  /** @throws LLM2CLIPError ERR_ENGINE_INCOMPATIBLE for another bundle than made its vectors */
  requireBundle({ path, digest }: BundleMark): void {
    if (digest === this.bundle.digest) return;
    throw new LLM2CLIPError(
      'ERR_ENGINE_INCOMPATIBLE',
      `expected the bundle that ${this.#path} was made with (${this.bundle.path}), found another at ` +
        `${path}; name that one, or make a new index`,
    );
  }

  /** Whether a file has been tried as it is now, and what it came to. */
  knows(entry: PictureEntry): PictureEntry | undefined {
    return this.#catalogue.knows(entry);
  }

  has(path: string): boolean {
    return this.#catalogue.has(path);
  }

  /** Adds pictures in one step, in the place of those that were there by the same paths. */
  async add(pictures: readonly EncodedPicture[], dim: number): Promise<void> {
    const entries = pictures.map(({ entry }) => entry);
    const encoded = pictures.filter(({ embedding }) => embedding !== undefined);
    const vectors = new Float32Array(encoded.length * dim);
    for (const [i, { embedding }] of encoded.entries()) vectors.set(embedding ?? [], i * dim);
    const ids = encoded.map(({ entry }) => entry.path);
    const removed = entries.map(({ path }) => path).filter((path) => this.#table.has(path));
    const extra: CatalogueNote = { pictures: entries };
    await this.#table.change({ vectors, ids, removed, extra });
    this.#catalogue.apply(extra);
  }

  async remove(paths: readonly string[]): Promise<void> {
    const removed = paths.filter((path) => this.#table.has(path));
    const extra: CatalogueNote = { gone: [...paths] };
    await this.#table.change({ removed, extra });
    this.#catalogue.apply(extra);
  }

  search(work: SearchWork): Promise<SearchResult[]> {
    return this.#table.search(work);
  }

  /** Makes it durable, and smaller where that pays. */
  async finish(): Promise<void> {
    const { size, removedCount } = this.#table;
    if (removedCount > MOST_REMOVED * (size + removedCount)) {
      await this.#table.save(this.#path, this.#catalogue.notes());
    } else await this.#table.sync();
  }

  async dispose(): Promise<void> {
    await this.#table.dispose();
  }
}
