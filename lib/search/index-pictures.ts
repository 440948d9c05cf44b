import { sep } from 'node:path';
import { LLM2CLIPError } from '../errors';
import type { LLM2CLIP } from '../model';
import type { Streamed } from '../model/stream';
import { describeFile, type PictureEntry } from './picture-catalogue';
import type { EncodedPicture, PictureIndex } from './picture-index';

/** Pictures that are written in one step, at most: what a killed run loses. */
const STEP = 16;

/** What a run did, in pictures. */
export interface IndexSummary {
  added: number;
  /** Encoded again: their files changed. */
  updated: number;
  unchanged: number;
  failed: number;
  /** Failed in an earlier run and unchanged since. */
  failedBefore: number;
  removed: number;
}

export interface IndexWork {
  index: PictureIndex;
  model: LLM2CLIP;
  /** Files, absolute and each once. */
  pictures: readonly string[];
  signal: AbortSignal;
  onFailure: (path: string, error: unknown) => void;
  onProgress: (done: number, total: number) => void;
}

/** A picture whose own fault it is will fail again; a disk or a model that fails is another matter. */
function isPicturesFault(error: unknown): error is LLM2CLIPError {
  return error instanceof LLM2CLIPError && error.code.startsWith('ERR_IMAGE_');
}

function mayGoOn(error: unknown): boolean {
  if (isPicturesFault(error)) return true;
  return error instanceof LLM2CLIPError && ['ERR_NOT_FOUND', 'ERR_IO'].includes(error.code);
}

/** Encodes what the index does not have as it is now, and adds it as it goes. */
export async function indexPictures(work: IndexWork): Promise<IndexSummary> {
  const { index, model, pictures, signal, onProgress } = work;
  const summary = { added: 0, updated: 0, unchanged: 0, failed: 0, failedBefore: 0, removed: 0 };
  const entries = await newEntries(index, pictures, summary);
  const done: EncodedPicture[] = [];
  const write = () => index.add(done.splice(0), model.info.embeddingDim);
  const paths = entries.map(({ path }) => path);
  for await (const result of model.embedStream(paths, { signal, onError: 'collect' })) {
    const picture = takeIn(result, entries[result.index] as PictureEntry, work, summary);
    if (picture !== undefined) done.push(picture);
    if (done.length >= STEP) await write();
    onProgress(result.index + 1, paths.length);
  }
  if (done.length > 0) await write();
  return summary;
}

/** Counts and reports a result; gives what is to be kept of it. Throws what ends the run. */
function takeIn(
  { embedding, error }: Streamed<string, Float32Array>,
  entry: PictureEntry,
  { index, onFailure }: IndexWork,
  summary: IndexSummary,
): EncodedPicture | undefined {
  if (embedding !== undefined) {
    summary[index.has(entry.path) ? 'updated' : 'added'] += 1;
    return { entry, embedding };
  }
  if (!mayGoOn(error)) throw error;
  summary.failed += 1;
  onFailure(entry.path, error);
  if (!isPicturesFault(error)) return undefined;
  const { code, message } = error;
  return { entry: { ...entry, error: { code, message } } };
}

/** Files that are not in the index as they are; counts the others. */
async function newEntries(
  index: PictureIndex,
  pictures: readonly string[],
  summary: IndexSummary,
): Promise<PictureEntry[]> {
  const entries: PictureEntry[] = [];
  for (const path of pictures) {
    // Before it is read: one that changes meanwhile is found changed the next time.
    const entry = (await describeFile(path)) ?? { path, bytes: 0, modifiedMs: 0 };
    const before = index.knows(entry);
    if (before === undefined) entries.push(entry);
    else summary[before.error === undefined ? 'unchanged' : 'failedBefore'] += 1;
  }
  return entries;
}

/** Drops the pictures of the index that were at or below `places`, absolute paths, and are not among `pictures`. */
export async function prunePictures(
  index: PictureIndex,
  places: readonly string[],
  pictures: readonly string[],
): Promise<number> {
  const there = new Set(pictures);
  const gone = index.entries
    .map(({ path }) => path)
    .filter((path) => !there.has(path))
    .filter((path) => places.some((place) => path === place || path.startsWith(place + sep)));
  if (gone.length > 0) await index.remove(gone);
  return gone.length;
}
