import { resolve } from 'node:path';
import { invalidType, nonEmptyString, optionalSignal, optionNames, optionsBag } from '../arguments';
import { withCallerStack } from '../async/caller';
import { type PadTo, padBatch, readPadTo, type TextBatch } from './batch';
import type { TokenizedText } from './tokenize';
import { type TokenizerFiles, tokenizerFiles } from './tokenizer-content';
import { TokenizerThread, type Watch } from './tokenizer-thread';
import type { TokenizerInfo } from './tokenizer-worker';

/** Texts, and UTF-16 units of them, sent to the thread at once: copying them takes under a millisecond. */
const CHUNK = { texts: 128, units: 1 << 17 };

export interface TokenizeOptions {
  signal?: AbortSignal;
}

export interface TextBatchOptions extends TokenizeOptions {
  /**
   * Width of the rows: the longest text's, rounded up to a multiple of a number or to the next of
   * several widths. Default a multiple of 8.
   */
  padTo?: PadTo;
}

const TOKENIZE_OPTIONS = optionNames<TokenizeOptions>({ signal: true });
const BATCH_OPTIONS = optionNames<TextBatchOptions>({ signal: true, padTo: true });

/**
 * The tokenizer of a Llama 3 text encoder, with LLM2CLIP's prompt: the same tokens as the reference,
 * and the same ones averaged. It works in a thread of its own.
 *
 * Special tokens in a text are read as such, as in the reference; lone surrogates as U+FFFD.
 *
 * @example
 * await using tokenizer = await TextTokenizer.fromFolder('Llama-3-8B-CC');
 * const { ids, pooled } = await tokenizer.encode('a photo of a cat');
 * const { shape } = await tokenizer.batch(['a cat', 'two dogs in the snow']); // [2, 16]
 */
export class TextTokenizer {
  readonly #thread: TokenizerThread;
  readonly #info: TokenizerInfo;

  private constructor(thread: TokenizerThread, info: TokenizerInfo) {
    this.#thread = thread;
    this.#info = info;
  }

  /**
   * @param folder Holds the checkpoint's `tokenizer.json`, and its `tokenizer_config.json` if there is one.
   * @throws TypeError (ERR_INVALID_ARG)
   * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO, ERR_CHECKPOINT_FORMAT, ERR_CHECKPOINT_UNSUPPORTED
   */
  static async fromFolder(folder: string): Promise<TextTokenizer> {
    const path = resolve(nonEmptyString(folder, 'folder'));
    return TextTokenizer.fromFiles(tokenizerFiles(path));
  }

  /** As {@link fromFolder}, of files that lie elsewhere, and with other bounds. @internal */
  static async fromFiles(
    files: TokenizerFiles,
    watch?: Watch,
    heapMegabytes?: number,
  ): Promise<TextTokenizer> {
    const opened = TokenizerThread.open(files, watch, heapMegabytes);
    const { thread, info } = await withCallerStack(opened);
    return new TextTokenizer(thread, info);
  }

  /** One more than the highest id that it gives. */
  get vocabularySize(): number {
    return this.#info.vocabularySize;
  }

  /** The id that rows are padded with: the end of sequence's. */
  get padId(): number {
    return this.#info.padId;
  }

  /**
   * @throws TypeError (ERR_INVALID_ARG); `signal.reason`
   * @throws LLM2CLIPError ERR_DISPOSED; ERR_CHECKPOINT_UNSUPPORTED where the file's patterns or
   *   normalizers take too long or too much memory for a text, after which others are tokenised
   */
  async encode(text: string, options?: TokenizeOptions): Promise<TokenizedText> {
    if (typeof text !== 'string') throw invalidType('a string', 'text', text);
    const [tokenized] = await this.encodeMany([text], options);
    return tokenized as TokenizedText;
  }

  /** As {@link encode}, of any number of texts, in their order. */
  async encodeMany(texts: readonly string[], options?: TokenizeOptions): Promise<TokenizedText[]> {
    const bag = optionsBag(options, 'options', TOKENIZE_OPTIONS);
    return withCallerStack(this.#tokenize(texts, optionalSignal(bag.signal, 'options.signal')));
  }

  /** As {@link encodeMany}, laid out as the rows that an engine reads. */
  async batch(texts: readonly string[], options?: TextBatchOptions): Promise<TextBatch> {
    const bag = optionsBag(options, 'options', BATCH_OPTIONS);
    const padTo = readPadTo(bag.padTo, 'options.padTo');
    const signal = optionalSignal(bag.signal, 'options.signal');
    const tokenized = await withCallerStack(this.#tokenize(texts, signal));
    return padBatch(tokenized, padTo, this.padId);
  }

  /** Ends the thread; what it still owes rejects with ERR_DISPOSED. Twice does no harm. */
  async dispose(): Promise<void> {
    await this.#thread.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #tokenize(texts: unknown, signal: AbortSignal | undefined): Promise<TokenizedText[]> {
    if (!Array.isArray(texts)) throw invalidType('an array of strings', 'texts', texts);
    const found: TokenizedText[] = [];
    for (let done = 0; done < texts.length; ) {
      signal?.throwIfAborted();
      const chunk = nextChunk(texts, done);
      for (const tokenized of await this.#thread.tokenize(chunk)) found.push(tokenized);
      done += chunk.length;
    }
    signal?.throwIfAborted();
    return found;
  }
}

function nextChunk(texts: readonly unknown[], from: number): string[] {
  const chunk: string[] = [];
  for (let units = 0; chunk.length < CHUNK.texts && units < CHUNK.units; ) {
    const index = from + chunk.length;
    if (index >= texts.length) break;
    const text = texts[index];
    if (typeof text !== 'string') throw invalidType('a string', `texts[${index}]`, text);
    chunk.push(text);
    units += text.length;
  }
  return chunk;
}
