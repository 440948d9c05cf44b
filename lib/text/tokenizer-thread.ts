import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { LLM2CLIPError } from '../errors';
import type { TokenizedText } from './tokenize';
import type { TokenizerFiles } from './tokenizer-file';
import type { TokenizerInfo, TokenizerReply, TokenizerRequest } from './tokenizer-worker';

/** Llama 3's vocabulary takes 200 MB; the last guard against a file that finds a way. */
const HEAP_MEGABYTES = 2048;

interface Waiting {
  resolve(reply: TokenizerReply): void;
  reject(reason: LLM2CLIPError): void;
}

/** A thread that holds one tokenizer. It keeps the process alive only while it owes an answer. */
export class TokenizerThread {
  readonly #worker: Worker;
  /** In the order asked, which is that of the answers. */
  readonly #waiting: Waiting[] = [];
  #ended: LLM2CLIPError | undefined;

  private constructor(files: TokenizerFiles) {
    this.#worker = new Worker(join(__dirname, 'tokenizer-worker.js'), {
      workerData: files,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
    });
    const fail = (cause: unknown) => {
      const message = 'the thread that tokenises ended without an answer';
      this.#end(new LLM2CLIPError('ERR_INTERNAL', message, { cause }));
    };
    this.#worker
      .on('message', (reply: TokenizerReply) => this.#settle(reply))
      .once('error', fail)
      .once('exit', fail);
  }

  static async open(
    files: TokenizerFiles,
  ): Promise<{ thread: TokenizerThread; info: TokenizerInfo }> {
    const thread = new TokenizerThread(files);
    try {
      const reply = await thread.#answer();
      if ('info' in reply) return { thread, info: reply.info };
      throw unexpected();
    } catch (error) {
      await thread.close();
      throw error;
    }
  }

  async tokenize(texts: string[]): Promise<TokenizedText[]> {
    if (this.#ended !== undefined) throw this.#ended;
    const request: TokenizerRequest = { texts };
    this.#worker.postMessage(request);
    const reply = await this.#answer();
    if (!('ids' in reply)) throw unexpected();
    let end = 0;
    return Array.from(reply.lengths, (length, i) => {
      end += length;
      const ids = new Int32Array(reply.ids.subarray(end - length, end)); // of this realm
      return { ids, pooled: reply.pooled[i] ?? 0 };
    });
  }

  /** What is still owed rejects with ERR_DISPOSED. */
  async close(): Promise<void> {
    this.#end(new LLM2CLIPError('ERR_DISPOSED', 'the tokenizer was disposed'));
    await this.#worker.terminate();
  }

  #answer(): Promise<TokenizerReply> {
    this.#worker.ref();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #settle(reply: TokenizerReply): void {
    const waiting = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#worker.unref();
    if ('code' in reply) waiting?.reject(errorOf(reply));
    else waiting?.resolve(reply);
  }

  #end(reason: LLM2CLIPError): void {
    this.#ended ??= reason;
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }
}

function errorOf({ code, message, cause }: Extract<TokenizerReply, { code: unknown }>) {
  return new LLM2CLIPError(code, message, cause === undefined ? {} : { cause });
}

function unexpected(): LLM2CLIPError {
  return new LLM2CLIPError('ERR_INTERNAL', 'the thread that tokenises gave another answer');
}
