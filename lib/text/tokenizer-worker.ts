import { parentPort, workerData } from 'node:worker_threads';
import { type ThreadError, toThreadError } from '../async/thread-error';
import { tokenize } from './tokenize';
import type { TokenizerContent } from './tokenizer-content';
import { type LlamaTokenizer, openTokenizer } from './tokenizer-file';

const WHAT = 'tokenising';

/** A request to the worker, which answers requests in order. */
export interface TokenizerRequest {
  texts: string[];
}

export type TokenizerInfo = Pick<LlamaTokenizer, 'vocabularySize' | 'padId'>;

/**
 * A reply of the worker. The first one says that the tokenizer is open, or why it failed to open.
 */
export type TokenizerReply =
  | { info: TokenizerInfo }
  | { ids: Int32Array; lengths: Int32Array; pooled: Int32Array }
  | ThreadError;

function open(content: TokenizerContent): LlamaTokenizer | undefined {
  try {
    const tokenizer = openTokenizer(content);
    const { vocabularySize, padId } = tokenizer;
    answer({ info: { vocabularySize, padId } });
    return tokenizer;
  } catch (error) {
    answer(toThreadError(error, WHAT));
    return undefined;
  }
}

/** Concatenates the tokens of all texts, so that a reply transfers three buffers for any count. */
function tokensOf(tokenizer: LlamaTokenizer, texts: string[]): TokenizerReply {
  try {
    const found = texts.map((text) => tokenize(tokenizer, text));
    const lengths = Int32Array.from(found, ({ ids }) => ids.length);
    const pooled = Int32Array.from(found, (text) => text.pooled);
    const ids = new Int32Array(lengths.reduce((sum, length) => sum + length, 0));
    let at = 0;
    for (const text of found) {
      ids.set(text.ids, at);
      at += text.ids.length;
    }
    return { ids, lengths, pooled };
  } catch (error) {
    return toThreadError(error, WHAT);
  }
}

function answer(reply: TokenizerReply): void {
  const transfer = 'ids' in reply ? [reply.ids, reply.lengths, reply.pooled] : [];
  parentPort?.postMessage(
    reply,
    transfer.map(({ buffer }) => buffer as ArrayBuffer),
  );
}

const tokenizer = open(workerData as TokenizerContent);
if (tokenizer !== undefined) {
  parentPort?.on('message', ({ texts }: TokenizerRequest) => answer(tokensOf(tokenizer, texts)));
}
