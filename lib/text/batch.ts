import { invalidRange, invalidType } from '../arguments';
import { nextTurn } from '../async/next-turn';
import { MAX_TOKENS, type TokenizedText } from './tokenize';

/** By default the width of the rows is a multiple of this many tokens. */
const DEFAULT_MULTIPLE = 8;

/** Count of numbers to write per turn of the event loop: about a millisecond of work. */
const NUMBERS_A_TURN = 1 << 18;

/** n texts as rows of the same width W, padded on the left. */
export interface TextBatch {
  /** [n, W] */
  ids: Int32Array;
  /** [n, W]: 1 for a token, 0 for padding. */
  attentionMask: Uint8Array;
  /** [n, W]: 1 for a token that counts in the mean. */
  poolMask: Uint8Array;
  shape: [number, number];
  /** [n]: number of tokens in each row, without padding. */
  lengths: Int32Array;
}

/** Rounds the width of a batch up: a number is a multiple, an array lists the allowed widths. */
export type PadTo = number | readonly number[];

/**
 * Checks the option `padTo`.
 *
 * @throws TypeError, RangeError (ERR_INVALID_ARG)
 */
export function readPadTo(value: unknown, name: string): PadTo {
  if (value === undefined) return DEFAULT_MULTIPLE;
  const isWidth = (n: unknown) => Number.isInteger(n) && Number(n) >= 1 && Number(n) <= MAX_TOKENS;
  if (typeof value === 'number') {
    if (isWidth(value)) return value;
  } else if (!Array.isArray(value)) {
    throw invalidType('a number or an array of numbers', name, value);
  } else if (value.length > 0 && value.every(isWidth)) {
    return value.map(Number).sort((a, b) => a - b);
  }
  throw invalidRange(`widths from 1 to ${MAX_TOKENS}`, name, value);
}

/**
 * Returns the width of a batch whose longest text has `longest` tokens. If that is more than the
 * largest of the allowed widths, it is the width itself: a text is never cut for a batch.
 */
function widthFor(longest: number, padTo: PadTo): number {
  if (typeof padTo !== 'number') return padTo.find((width) => width >= longest) ?? longest;
  return Math.max(longest, Math.min(MAX_TOKENS, Math.ceil(longest / padTo) * padTo));
}

/** Writes texts into padded rows, a slice per turn of the event loop. */
export async function padBatch(
  texts: readonly TokenizedText[],
  padTo: PadTo,
  padId: number,
): Promise<TextBatch> {
  const lengths = Int32Array.from(texts, ({ ids }) => ids.length);
  const width = widthFor(
    lengths.reduce((a, b) => Math.max(a, b), 0),
    padTo,
  );
  const size = texts.length * width;
  const ids = new Int32Array(size);
  const attentionMask = new Uint8Array(size);
  const poolMask = new Uint8Array(size);
  const rowsATurn = Math.ceil(NUMBERS_A_TURN / Math.max(width, 1));
  for (const [i, text] of texts.entries()) {
    if (i % rowsATurn === rowsATurn - 1) await nextTurn();
    const end = (i + 1) * width;
    ids.fill(padId, end - width, end - text.ids.length).set(text.ids, end - text.ids.length);
    attentionMask.fill(1, end - text.ids.length, end);
    poolMask.fill(1, end - text.pooled, end);
  }
  return { ids, attentionMask, poolMask, shape: [texts.length, width], lengths };
}
