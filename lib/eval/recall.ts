import { invalidRange, invalidType, optionNames, optionsBag } from '../arguments';
import { checkMatrix, dot, type Matrix, requireSameWidth } from './matrix';

const DEFAULT_AT = [1, 5, 10];

export interface RecallOptions {
  /** For each text, the row of the image that it describes. Default: text i describes image i. */
  imageOfText?: ArrayLike<number>;
  /** Values of k. Default: 1, 5 and 10. */
  at?: readonly number[];
}

const RECALL_OPTIONS = optionNames<RecallOptions>({ imageOfText: true, at: true });

/**
 * Fractions, from 0 to 1, of queries with a match among the first k results, in the order of `at`.
 */
export interface Recall {
  at: number[];
  /** Fractions of the images that have a text. */
  imageToText: number[];
  textToImage: number[];
}

/** A query's best match: its score and its row among the candidates. */
interface Best {
  score: number;
  candidate: number;
}

/**
 * Computes Recall@k of retrieval in both directions, as LLM2CLIP reports it for Flickr30k, COCO,
 * ShareGPT4V, Urban1k and DOCCI. A query counts if any of its matches is among the k candidates
 * with the highest dot products. Of candidates with equal scores, the one with the lower row comes
 * first. A row that contains NaN is never found and finds nothing.
 *
 * It runs on the calling thread and does not store the similarities. 1,000 × 1,000 vectors of 1,280
 * numbers take about three seconds.
 *
 * @param images [images, E], L2-normalised
 * @param texts [texts, E], L2-normalised
 * @throws TypeError, RangeError (ERR_INVALID_ARG, ERR_INVALID_BUFFER)
 * @example
 * const images = { data: new Float32Array([1, 0, 0, 1]), shape: [2, 2] as const };
 * const texts = { data: new Float32Array([1, 0, 1, 0, 0, 1]), shape: [3, 2] as const };
 * recall(images, texts, { imageOfText: [0, 1, 1], at: [1] }); // imageToText [1], textToImage [2 / 3]
 */
export function recall(images: Matrix, texts: Matrix, options?: RecallOptions): Recall {
  const [left, right] = [checkMatrix(images, 'images'), checkMatrix(texts, 'texts')];
  requireSameWidth(left, right, 'texts');
  const bag = optionsBag(options, 'options', RECALL_OPTIONS);
  const at = readAt(bag.at);
  const imageOfText = readPairs(bag.imageOfText, left.shape[0], right.shape[0]);

  const ofText = Array.from(imageOfText, (candidate, text): Best => {
    return { score: comparable(dot(left, candidate, right, text)), candidate };
  });
  const ofImage = bestTexts(left.shape[0], ofText);
  const ranks = countBetter(left, right, ofImage, ofText);
  return {
    at,
    imageToText: at.map((k) => shareBelow(ranks.ofImage, k)),
    textToImage: at.map((k) => shareBelow(ranks.ofText, k)),
  };
}

/** Replaces NaN by −∞, so that it loses every comparison. */
function comparable(score: number): number {
  return Number.isNaN(score) ? Number.NEGATIVE_INFINITY : score;
}

/** Returns the best text of each image, or undefined for an image without texts. */
function bestTexts(images: number, ofText: readonly Best[]): (Best | undefined)[] {
  const best: (Best | undefined)[] = new Array(images).fill(undefined);
  for (const [text, { score, candidate: image }] of ofText.entries()) {
    const so = best[image];
    if (so === undefined || score > so.score) best[image] = { score, candidate: text };
  }
  return best;
}

/**
 * Counts the candidates before each query's best match. The count is NaN for a query without a
 * match.
 */
function countBetter(
  images: Matrix,
  texts: Matrix,
  ofImage: readonly (Best | undefined)[],
  ofText: readonly Best[],
): { ofImage: Float64Array; ofText: Float64Array } {
  const ranks = {
    ofImage: Float64Array.from(ofImage, firstRank),
    ofText: Float64Array.from(ofText, firstRank),
  };
  for (const [image, textBest] of ofImage.entries()) {
    for (const [text, imageBest] of ofText.entries()) {
      const score = comparable(dot(images, image, texts, text));
      if (textBest && precedes(score, text, textBest)) raise(ranks.ofImage, image);
      if (precedes(score, image, imageBest)) raise(ranks.ofText, text);
    }
  }
  return ranks;
}

function raise(ranks: Float64Array, query: number): void {
  ranks[query] = (ranks[query] as number) + 1;
}

function firstRank(best: Best | undefined): number {
  if (best === undefined) return Number.NaN;
  return best.score === Number.NEGATIVE_INFINITY ? Number.POSITIVE_INFINITY : 0;
}

function precedes(score: number, candidate: number, best: Best): boolean {
  return score > best.score || (score === best.score && candidate < best.candidate);
}

/**
 * Returns the fraction of queries whose rank is below k. Ranks of NaN are not counted as queries.
 */
export function shareBelow(ranks: Float64Array, k: number): number {
  const queries = ranks.filter((rank) => !Number.isNaN(rank));
  return queries.length === 0 ? 0 : queries.filter((rank) => rank < k).length / queries.length;
}

export function readAt(value: unknown): number[] {
  if (value === undefined) return [...DEFAULT_AT];
  if (!Array.isArray(value)) throw invalidType('an array of numbers', 'options.at', value);
  if (value.every((k) => Number.isSafeInteger(k) && k >= 1)) return [...value];
  throw invalidRange('numbers of at least 1', 'options.at', value);
}

export function readPairs(value: unknown, images: number, texts: number): Int32Array {
  const name = 'options.imageOfText';
  if (value === undefined) {
    if (images === texts) return Int32Array.from({ length: texts }, (_, i) => i);
    throw invalidRange(`the image of each of ${texts} texts among ${images} images`, name, value);
  }
  if (!Array.isArray(value) && !ArrayBuffer.isView(value)) {
    throw invalidType('an array of rows', name, value);
  }
  const pairs = Array.from(value as ArrayLike<unknown>);
  const isImage = (i: unknown) => Number.isInteger(i) && Number(i) >= 0 && Number(i) < images;
  if (pairs.length === texts && pairs.every(isImage)) return Int32Array.from(pairs, Number);
  throw invalidRange(`${texts} rows of ${images} images`, name, value);
}
