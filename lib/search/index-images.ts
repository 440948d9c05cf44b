import { sep } from 'node:path';
import { LLM2CLIPError } from '../errors';
import type { LLM2CLIP } from '../model';
import type { Streamed } from '../model/stream';
import { describeFile, type ImageEntry } from './image-catalogue';
import type { EncodedImage, ImageIndex } from './image-index';

/** Largest number of images written in one step. A killed run loses at most so many. */
const STEP = 16;

/** Numbers of images that a run added, updated and so on. */
export interface IndexSummary {
  added: number;
  /** Images encoded again because their files changed. */
  updated: number;
  unchanged: number;
  failed: number;
  /** Images that failed in an earlier run and have not changed since. */
  failedBefore: number;
  removed: number;
}

export interface IndexWork {
  index: ImageIndex;
  model: LLM2CLIP;
  /** Absolute paths of files, without duplicates. */
  images: readonly string[];
  signal: AbortSignal;
  onFailure: (path: string, error: unknown) => void;
  onProgress: (done: number, total: number) => void;
}

/**
 * Whether an error is caused by the image, so that it will fail again, and not by a disk or the
 * model.
 */
function isImagesFault(error: unknown): error is LLM2CLIPError {
  return error instanceof LLM2CLIPError && error.code.startsWith('ERR_IMAGE_');
}

function mayGoOn(error: unknown): boolean {
  if (isImagesFault(error)) return true;
  return error instanceof LLM2CLIPError && ['ERR_NOT_FOUND', 'ERR_IO'].includes(error.code);
}

/** Encodes new and changed images, and adds them to the index in steps. */
export async function indexImages(work: IndexWork): Promise<IndexSummary> {
  const { index, model, images, signal, onProgress } = work;
  const summary = { added: 0, updated: 0, unchanged: 0, failed: 0, failedBefore: 0, removed: 0 };
  const entries = await newEntries(index, images, summary);
  const done: EncodedImage[] = [];
  const write = () => index.add(done.splice(0), model.info.embeddingDim);
  const paths = entries.map(({ path }) => path);
  for await (const result of model.embedStream(paths, { signal, onError: 'collect' })) {
    const image = takeIn(result, entries[result.index] as ImageEntry, work, summary);
    if (image !== undefined) done.push(image);
    if (done.length >= STEP) await write();
    onProgress(result.index + 1, paths.length);
  }
  if (done.length > 0) await write();
  return summary;
}

/**
 * Counts and reports a result. Returns what the index should store; throws errors that end the run.
 */
function takeIn(
  { embedding, error }: Streamed<string, Float32Array>,
  entry: ImageEntry,
  { index, onFailure }: IndexWork,
  summary: IndexSummary,
): EncodedImage | undefined {
  if (embedding !== undefined) {
    summary[index.has(entry.path) ? 'updated' : 'added'] += 1;
    return { entry, embedding };
  }
  if (!mayGoOn(error)) throw error;
  summary.failed += 1;
  onFailure(entry.path, error);
  if (!isImagesFault(error)) return undefined;
  const { code, message } = error;
  return { entry: { ...entry, error: { code, message } } };
}

/** Returns the files that are new or have changed, and counts the others. */
async function newEntries(
  index: ImageIndex,
  images: readonly string[],
  summary: IndexSummary,
): Promise<ImageEntry[]> {
  const entries: ImageEntry[] = [];
  for (const path of images) {
    // Describe the file before it is read, so that a change during the run is noticed next time.
    const entry = (await describeFile(path)) ?? { path, bytes: 0, modifiedMs: 0 };
    const before = index.knows(entry);
    if (before === undefined) entries.push(entry);
    else summary[before.error === undefined ? 'unchanged' : 'failedBefore'] += 1;
  }
  return entries;
}

/**
 * Removes images from the index that are at or below `places`, given as absolute paths, but not
 * among `images`.
 *
 * @returns the number of removed images
 */
export async function pruneImages(
  index: ImageIndex,
  places: readonly string[],
  images: readonly string[],
): Promise<number> {
  const there = new Set(images);
  const gone = index.entries
    .map(({ path }) => path)
    .filter((path) => !there.has(path))
    .filter((path) => places.some((place) => path === place || path.startsWith(place + sep)));
  if (gone.length > 0) await index.remove(gone);
  return gone.length;
}
