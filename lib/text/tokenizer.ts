import { resolve } from 'node:path';
import { invalidType, nonEmptyString, optionalSignal, optionNames, optionsBag } from '../arguments';
import { withCallerStack } from '../async/caller';
import { type PadTo, padBatch, readPadTo, type TextBatch } from './batch';
import type { TokenizedText } from './tokenize';
import { type TokenizerFiles, tokenizerFiles } from './tokenizer-content';
import { TokenizerThread, type Watch } from './tokenizer-thread';
import type { TokenizerInfo } from './tokenizer-worker';

/**
 * Limits of one message to the thread, in texts and UTF-16 units; copying it takes under a
 * millisecond.
 */
const CHUNK = { texts: 128, units: 1 << 17 };

export interface TokenizeOptions {
  signal?: AbortSignal;
}

export interface TextBatchOptions extends TokenizeOptions {
  /**
   * Width of the rows: the length of the longest text, rounded up to a multiple of this number, or
   * to the next of these widths. Default: a multiple of 8.
   */
  padTo?: PadTo;
}

const TOKENIZE_OPTIONS = optionNames<TokenizeOptions>({ signal: true });
const BATCH_OPTIONS = optionNames<TextBatchOptions>({ signal: true, padTo: true });

/**
 * The tokenizer of a Llama 3 text encoder with LLM2CLIP's prompt. It returns the same tokens as the
 * reference and the number of tokens in the mean. It runs in a thread of its own.
 *
 * As in the reference, special tokens in a text are read as special tokens. Lone surrogates are
 * read as U+FFFD.
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
   * Opens the tokenizer of a checkpoint.
   *
   * @param folder Folder with `tokenizer.json` and, optionally, `tokenizer_config.json`.
   * @throws TypeError (ERR_INVALID_ARG)
   * @throws LLM2CLIPError ERR_NOT_FOUND, ERR_IO, ERR_CHECKPOINT_FORMAT, ERR_CHECKPOINT_UNSUPPORTED
   */
  static async fromFolder(folder: string): Promise<TextTokenizer> {
    const path = resolve(nonEmptyString(folder, 'folder'));
    return TextTokenizer.fromFiles(tokenizerFiles(path));
  }

  /** Like {@link fromFolder}, for files at other paths and with other limits. @internal */
  static async fromFiles(
    files: TokenizerFiles,
    watch?: Watch,
    heapMegabytes?: number,
  ): Promise<TextTokenizer> {
    const opened = TokenizerThread.open(files, watch, heapMegabytes);
    const { thread, info } = await withCallerStack(opened);
    return new TextTokenizer(thread, info);
  }

  /** One more than the highest id that the tokenizer returns. */
  get vocabularySize(): number {
    return this.#info.vocabularySize;
  }

  /** Id that pads rows: the end-of-sequence token. */
  get padId(): number {
    return this.#info.padId;
  }

  /**
   * Tokenises one text: ids [T] with T ≤ 512, and the number of tokens at the end that the mean is
   * over.
   *
   * @throws TypeError (ERR_INVALID_ARG); `signal.reason`
   * @throws LLM2CLIPError ERR_DISPOSED; ERR_CHECKPOINT_UNSUPPORTED if the file's patterns or
   *   normalizers take too long or too much memory for this text (other texts still work)
   */
  async encode(text: string, options?: TokenizeOptions): Promise<TokenizedText> {
    if (typeof text !== 'string') throw invalidType('a string', 'text', text);
    const [tokenized] = await this.encodeMany([text], options);
    return tokenized as TokenizedText;
  }

  /** Like {@link encode}, for any number of texts. The results are in the order of the texts. */
  async encodeMany(texts: readonly string[], options?: TokenizeOptions): Promise<TokenizedText[]> {
    const bag = optionsBag(options, 'options', TOKENIZE_OPTIONS);
    return withCallerStack(this.#tokenize(texts, optionalSignal(bag.signal, 'options.signal')));
  }

  /** Like {@link encodeMany}, but returns padded rows [n, W] as an engine reads them. */
  async batch(texts: readonly string[], options?: TextBatchOptions): Promise<TextBatch> {
    const bag = optionsBag(options, 'options', BATCH_OPTIONS);
    const padTo = readPadTo(bag.padTo, 'options.padTo');
    const signal = optionalSignal(bag.signal, 'options.signal');
    const tokenized = await withCallerStack(this.#tokenize(texts, signal));
    return padBatch(tokenized, padTo, this.padId);
  }

  /** Ends the thread. Pending calls reject with ERR_DISPOSED. It may be called more than once. */
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
