import { availableParallelism } from 'node:os';
import { VectorTable } from '../search/vector-table';
import { type Matrix, requireSameWidth } from './matrix';
import { type Recall, type RecallOptions, readAt, readPairs, shareBelow } from './recall';

/** Queries per search. Reading them blocks the event loop for a few milliseconds. */
const QUERIES_AT_ONCE = 256;

/** Vectors to add per call, for the same reason. */
const ROWS_AT_ONCE = 1024;

/**
 * Computes the same as `recall` with the kernels of the search. The scores are in fp32, it runs off
 * the event loop, and it is fast enough for COCO's 5,000 × 25,000.
 *
 * @throws as `recall`; `signal.reason`
 */
export async function searchRecall(
  images: Matrix,
  texts: Matrix,
  options: RecallOptions & { signal?: AbortSignal | undefined },
): Promise<Recall> {
  requireSameWidth(images, texts, 'texts');
  const at = readAt(options.at);
  const imageOfText = readPairs(options.imageOfText, images.shape[0], texts.shape[0]);
  const isPair = (image: number, text: number) => imageOfText[text] === image;
  const work = { k: Math.max(0, ...at), signal: options.signal };
  const ofImage = await firstMatches(images, texts, { ...work, isMatch: isPair });
  const isReversed = (text: number, image: number) => isPair(image, text);
  const ofText = await firstMatches(texts, images, { ...work, isMatch: isReversed });
  const counted = new Set(imageOfText);
  for (const i of ofImage.keys()) if (!counted.has(i)) ofImage[i] = Number.NaN;
  return {
    at,
    imageToText: at.map((k) => shareBelow(ofImage, k)),
    textToImage: at.map((k) => shareBelow(ofText, k)),
  };
}

interface Matching {
  /** Number of candidates to check per query. */
  k: number;
  isMatch: (query: number, candidate: number) => boolean;
  signal: AbortSignal | undefined;
}

/**
 * Counts the candidates before each query's first match; infinity if none of the first k matches.
 */
async function firstMatches(
  queries: Matrix,
  candidates: Matrix,
  { k, isMatch, signal }: Matching,
): Promise<Float64Array> {
  const ranks = new Float64Array(queries.shape[0]).fill(Number.POSITIVE_INFINITY);
  const rows = finiteRows(candidates);
  if (rows.length === 0 || k === 0) return ranks;
  const table = VectorTable.create('fp32', candidates.shape[1]);
  try {
    for (const part of parts(rows, ROWS_AT_ONCE)) {
      await table.change({ vectors: gather(candidates, part) });
    }
    for (const part of parts(finiteRows(queries), QUERIES_AT_ONCE)) {
      const work = { queries: gather(queries, part), k, threads: availableParallelism(), signal };
      for (const [i, { ids }] of (await table.search(work)).entries()) {
        const query = part[i] as number;
        const rank = ids.findIndex((id) => isMatch(query, rows[Number(id)] as number));
        if (rank >= 0) ranks[query] = rank;
      }
    }
    return ranks;
  } finally {
    await table.dispose();
  }
}

/** Returns the rows without NaN. A row that contains NaN is never found and finds nothing. */
function finiteRows({ data, shape: [count, width] }: Matrix): number[] {
  return Array.from({ length: count }, (_, i) => i).filter((i) =>
    data.subarray(i * width, (i + 1) * width).every(Number.isFinite),
  );
}

function* parts(rows: readonly number[], most: number): Generator<readonly number[]> {
  for (let begin = 0; begin < rows.length; begin += most) yield rows.slice(begin, begin + most);
}

function gather({ data, shape: [, width] }: Matrix, rows: readonly number[]): Float32Array {
  const out = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) {
    out.set(data.subarray(row * width, (row + 1) * width), i * width);
  }
  return out;
}
