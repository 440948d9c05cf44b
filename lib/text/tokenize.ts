import { promptOf } from './prompt';
import type { LlamaTokenizer } from './tokenizer-file';

/** Tokens that the model reads of a text at most, BOS and header among them. */
export const MAX_TOKENS = 512;

/** A text as the language model reads it. */
export interface TokenizedText {
  /** [T]: what the tokenizer adds (BOS), header, text and its end; at most 512, cut on the right. */
  ids: Int32Array;
  /** The embedding is the mean over the last so many of the T tokens. */
  pooled: number;
}

/**
 * Tokens of one text, in its prompt. As in the reference, how many are averaged is counted on text
 * and end alone, so that one which fills all 512 has BOS and header averaged too. What the
 * tokenizer's post-processor adds is not cut.
 */
export function tokenize({ encode, frame }: LlamaTokenizer, text: string): TokenizedText {
  const { whole, counted } = promptOf(text);
  const { before, after } = frame;
  const inner = encode(whole).slice(0, MAX_TOKENS - before.length - after.length);
  const ids = Int32Array.from([...before, ...inner, ...after]);
  const count = encode(counted).length;
  return { ids, pooled: count === 0 ? ids.length : Math.min(count, ids.length) };
}
