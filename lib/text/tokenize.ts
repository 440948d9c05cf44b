import { promptOf } from './prompt';
import type { LlamaTokenizer } from './tokenizer-file';

/** Largest number of tokens that the model reads of a text, including BOS and header. */
export const MAX_TOKENS = 512;

/** A text as the language model reads it. */
export interface TokenizedText {
  /** [T]: BOS, header, text and end of turn; at most 512 tokens, cut on the right. */
  ids: Int32Array;
  /** The embedding is the mean over this many tokens at the end. */
  pooled: number;
}

/**
 * Tokenises one text in its prompt. As in the reference, the number of averaged tokens is counted
 * on the text and its end alone, so for a text that fills all 512 tokens the mean includes BOS and
 * header. Tokens that the tokenizer's post-processor adds are never cut.
 */
export function tokenize({ encode, frame }: LlamaTokenizer, text: string): TokenizedText {
  const { whole, counted } = promptOf(text);
  const { before, after } = frame;
  const inner = encode(whole).slice(0, MAX_TOKENS - before.length - after.length);
  const ids = Int32Array.from([...before, ...inner, ...after]);
  const count = encode(counted).length;
  return { ids, pooled: count === 0 ? ids.length : Math.min(count, ids.length) };
}
