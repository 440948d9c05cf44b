import { stat } from 'node:fs/promises';
import { isObject } from '../arguments';
import { LLM2CLIPError } from '../errors';
import { fileSystemPath } from '../files/path-bytes';

/** Identifies the bundle that made an index's vectors. */
export interface BundleMark {
  /** Path of the bundle at that time. */
  path: string;
  /** Digest of everything that its embeddings depend on; see bundle-digest.ts. */
  digest: string;
}

/** An image file as it was when it was encoded. */
export interface ImageEntry {
  path: string;
  bytes: number;
  modifiedMs: number;
  /** Why it has no vector, if so. The file is not tried again until it changes. */
  error?: { code: string; message: string };
}

/** What an image index stores besides vectors. There is one note per change; later ones win. */
export interface CatalogueNote {
  bundle?: BundleMark;
  pictures?: ImageEntry[];
  gone?: string[];
}

const ENTRIES_A_NOTE = 16_384;

/** Describes a file as it is now. Returns undefined if it does not exist. */
export async function describeFile(path: string): Promise<ImageEntry | undefined> {
  const status = await stat(fileSystemPath(path)).catch(() => undefined);
  return status && { path, bytes: status.size, modifiedMs: status.mtimeMs };
}

/** The images of an index by path, including those that failed. */
export class ImageCatalogue {
  #bundle: BundleMark | undefined;
  readonly #entries = new Map<string, ImageEntry>();

  /** @throws LLM2CLIPError ERR_INDEX_INVALID if the notes are not of an image index */
  constructor(notes: readonly unknown[], path: string) {
    for (const note of notes) {
      if (!isCatalogueNote(note)) throw notOfImages(path);
      this.apply(note);
    }
    if (this.#bundle === undefined) throw notOfImages(path);
  }

  get bundle(): BundleMark {
    return this.#bundle as BundleMark;
  }

  get entries(): readonly ImageEntry[] {
    return [...this.#entries.values()];
  }

  apply({ bundle, pictures: images = [], gone = [] }: CatalogueNote): void {
    this.#bundle = bundle ?? this.#bundle;
    for (const path of gone) this.#entries.delete(path);
    for (const entry of images) this.#entries.set(entry.path, entry);
  }

  /** Returns the entry of a file if it has not changed since it was last tried. */
  knows({ path, bytes, modifiedMs }: ImageEntry): ImageEntry | undefined {
    const entry = this.#entries.get(path);
    return entry?.bytes === bytes && entry.modifiedMs === modifiedMs ? entry : undefined;
  }

  has(path: string): boolean {
    return this.#entries.has(path);
  }

  /** Returns the whole catalogue as notes of limited length. */
  notes(): CatalogueNote[] {
    const entries = this.entries;
    const notes: CatalogueNote[] = [{ bundle: this.bundle }];
    for (let first = 0; first < entries.length; first += ENTRIES_A_NOTE) {
      notes.push({ pictures: entries.slice(first, first + ENTRIES_A_NOTE) });
    }
    return notes;
  }
}

const isText = (value: unknown): value is string => typeof value === 'string';

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return value === undefined || (Array.isArray(value) && value.every(isItem));
}

function isMark(value: unknown): boolean {
  return isObject(value) && isText(value.path) && isText(value.digest);
}

function isEntry(value: unknown): boolean {
  if (!isObject(value) || !isText(value.path)) return false;
  const { bytes, modifiedMs, error } = value;
  if (!Number.isFinite(bytes) || !Number.isFinite(modifiedMs)) return false;
  return error === undefined || (isObject(error) && isText(error.code) && isText(error.message));
}

function isCatalogueNote(note: unknown): note is CatalogueNote {
  if (!isObject(note) || Array.isArray(note)) return false;
  const { bundle, pictures: images, gone } = note;
  return (
    (bundle === undefined || isMark(bundle)) && isListOf(images, isEntry) && isListOf(gone, isText)
  );
}

function notOfImages(path: string): LLM2CLIPError {
  return new LLM2CLIPError(
    'ERR_INDEX_INVALID',
    `expected an index that \`llm2clip index\` made at ${path}, found one of other vectors`,
  );
}
