import { LLM2CLIPError } from '../errors';
import { fileExists } from '../files/file-exists';
import {
  type BundleMark,
  type CatalogueNote,
  ImageCatalogue,
  type ImageEntry,
} from './image-catalogue';
import type { Storage } from './storage';
import { type SearchResult, type SearchWork, VectorTable } from './vector-table';

/** An image with its embedding, or with the reason why it has none. */
export interface EncodedImage {
  entry: ImageEntry;
  /** Absent if the entry has an error. */
  embedding?: Float32Array;
}

/** The file is rewritten if more than this fraction of its vectors was replaced or removed. */
const MOST_REMOVED = 0.25;

/** An index file of images. The ids are the paths. */
export class ImageIndex {
  readonly #path: string;
  readonly #table: VectorTable;
  readonly #catalogue: ImageCatalogue;

  private constructor(path: string, table: VectorTable) {
    this.#path = path;
    this.#table = table;
    this.#catalogue = new ImageCatalogue(table.extras, path);
    // These entries lost their vectors because the end of the file was cut off.
    const lost = this.entries.filter(({ path, error }) => !error && !table.has(path));
    this.#catalogue.apply({ gone: lost.map(({ path }) => path) });
  }

  /** Opens a file for reading or, with `append`, for writing. It throws as VectorIndex.open. */
  static async open(path: string, { append = false } = {}): Promise<ImageIndex> {
    const table = await VectorTable.open(path, append);
    try {
      return new ImageIndex(path, table);
    } catch (error) {
      await table.dispose();
      throw error;
    }
  }

  /** Opens a file for writing, and creates it if it does not exist. */
  static async openOrCreate(
    path: string,
    bundle: BundleMark,
    format: { storage: Storage; dim: number },
  ): Promise<ImageIndex> {
    if (!(await fileExists(path))) {
      const table = VectorTable.create(format.storage, format.dim);
      await table.save(path, [{ bundle } satisfies CatalogueNote]);
      await table.dispose();
    }
    return ImageIndex.open(path, { append: true });
  }

  get bundle(): BundleMark {
    return this.#catalogue.bundle;
  }

  get storage(): Storage {
    return this.#table.storage;
  }

  /** Number of images that have a vector. */
  get size(): number {
    return this.#table.size;
  }

  get entries(): readonly ImageEntry[] {
    return this.#catalogue.entries;
  }

  /**
   * Checks that a bundle is the one that made the vectors.
   *
   * @throws LLM2CLIPError ERR_ENGINE_INCOMPATIBLE for another bundle
   */
  requireBundle({ path, digest }: BundleMark): void {
    if (digest === this.bundle.digest) return;
    throw new LLM2CLIPError(
      'ERR_ENGINE_INCOMPATIBLE',
      `expected the bundle that ${this.#path} was made with (${this.bundle.path}), found another at ` +
        `${path}; name that one, or make a new index`,
    );
  }

  /** Returns the entry of a file if it has been tried and has not changed since. */
  knows(entry: ImageEntry): ImageEntry | undefined {
    return this.#catalogue.knows(entry);
  }

  has(path: string): boolean {
    return this.#catalogue.has(path);
  }

  /** Adds images in one atomic step. They replace entries with the same paths. */
  async add(images: readonly EncodedImage[], dim: number): Promise<void> {
    const entries = images.map(({ entry }) => entry);
    const encoded = images.filter(({ embedding }) => embedding !== undefined);
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

  /** Syncs the file to the disk, and rewrites it if that makes it much smaller. */
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
