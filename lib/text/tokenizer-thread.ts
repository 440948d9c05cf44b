import { join } from 'node:path';
import { clearTimeout, setTimeout } from 'node:timers';
import { Worker } from 'node:worker_threads';
import { fromThreadError } from '../async/thread-error';
import { LLM2CLIPError } from '../errors';
import type { TokenizedText } from './tokenize';
import {
  readTokenizer,
  type TokenizerContent,
  type TokenizerFiles,
  unsupportedTokenizer,
} from './tokenizer-content';
import type { TokenizerInfo, TokenizerReply, TokenizerRequest } from './tokenizer-worker';

/** Llama 3's vocabulary takes 200 MB; a file whose normalizers double texts ends here. */
const HEAP_MEGABYTES = 1024;

/** Far more than Llama 3's tokenizer takes on a busy machine to open, and for the longest request. */
const LONGEST_MS = { open: 60_000, request: 30_000 };

/** Calls back after a time unless it is told not to before; tests decide when the time is over. */
export type Watch = (ms: number, expire: () => void) => () => void;

interface Waiting {
  request: TokenizerRequest;
  resolve(reply: TokenizerReply): void;
  reject(reason: LLM2CLIPError): void;
}

/**
 * A thread that holds one tokenizer. It keeps the process alive only while it owes an answer. Patterns
 * and normalizers of a file may take for ever or more memory than there is: then the thread is ended,
 * the request that it was at fails, and another thread goes on with the next.
 */
export class TokenizerThread {
  readonly #content: TokenizerContent;
  readonly #watch: Watch;
  readonly #heapMegabytes: number;
  #worker: Worker | undefined;
  /** Until the thread has said that its tokenizer is open. */
  #opening: { resolve(info: TokenizerInfo): void; reject(reason: LLM2CLIPError): void } | undefined;
  /** In the order asked, which is that of the answers. */
  #waiting: Waiting[] = [];
  #unwatch = (): void => {};
  #ended: LLM2CLIPError | undefined;

  private constructor(content: TokenizerContent, watch: Watch, heapMegabytes: number) {
    this.#content = content;
    this.#watch = watch;
    this.#heapMegabytes = heapMegabytes;
  }

  static async open(
    files: TokenizerFiles,
    watch: Watch = watchByTimer,
    heapMegabytes: number = HEAP_MEGABYTES,
  ): Promise<{ thread: TokenizerThread; info: TokenizerInfo }> {
    const thread = new TokenizerThread(await readTokenizer(files), watch, heapMegabytes);
    try {
      return { thread, info: await thread.#start() };
    } catch (error) {
      await thread.close();
      throw error;
    }
  }

  async tokenize(texts: string[]): Promise<TokenizedText[]> {
    if (this.#ended !== undefined) throw this.#ended;
    const reply = await this.#ask({ texts });
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
    await this.#stop();
  }

  #ask(request: TokenizerRequest): Promise<TokenizerReply> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      if (this.#worker === undefined) this.#restart();
      else if (this.#opening === undefined) this.#send(request);
    });
  }

  #send(request: TokenizerRequest): void {
    this.#worker?.postMessage(request);
    if (this.#waiting.length === 1) this.#attend();
  }

  /** Opens the tokenizer in a thread of its own; what is waiting is sent when it is open. */
  #start(): Promise<TokenizerInfo> {
    const worker = new Worker(join(__dirname, 'tokenizer-worker.js'), {
      workerData: this.#content,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: this.#heapMegabytes },
    });
    this.#worker = worker;
    // One that was replaced is not listened to any more.
    const whileCurrent =
      <T>(body: (value: T) => void) =>
      (value: T) => {
        if (this.#worker === worker) body(value);
      };
    worker
      .on(
        'message',
        whileCurrent((reply: TokenizerReply) => this.#take(reply)),
      )
      .once(
        'error',
        whileCurrent((error: unknown) => this.#lose(this.#reasonOf(error))),
      )
      .once(
        'exit',
        whileCurrent((code: unknown) => this.#lose(this.#reasonOf(code))),
      );
    this.#attend();
    return new Promise((resolve, reject) => {
      this.#opening = { resolve, reject };
    });
  }

  #restart(): void {
    this.#start().catch((error: LLM2CLIPError) => this.#end(error));
  }

  /** Begins the time of what the thread is at now. */
  #attend(): void {
    this.#unwatch();
    this.#worker?.ref();
    const [at] = this.#waiting;
    const ms = at === undefined ? LONGEST_MS.open : LONGEST_MS.request;
    const task = at === undefined ? 'to open' : 'for a text';
    const what = `takes more than ${ms / 1000} s ${task}; its patterns or normalizers do not end`;
    const expire = () => this.#lose(unsupportedTokenizer(this.#content.path, what));
    this.#unwatch = this.#watch(ms, expire);
  }

  #take(reply: TokenizerReply): void {
    if (this.#opening !== undefined) this.#opened(reply);
    else {
      const answered = this.#waiting.shift();
      if ('code' in reply) answered?.reject(fromThreadError(reply));
      else answered?.resolve(reply);
    }
    if (this.#waiting.length > 0) this.#attend();
    else this.#rest();
  }

  #opened(reply: TokenizerReply): void {
    const opening = this.#opening;
    this.#opening = undefined;
    if ('info' in reply) opening?.resolve(reply.info);
    else opening?.reject('code' in reply ? fromThreadError(reply) : unexpected());
    for (const { request } of this.#waiting) this.#worker?.postMessage(request);
  }

  #rest(): void {
    this.#unwatch();
    this.#worker?.unref();
  }

  /** The thread gives no answer any more: what it was at fails, and another one goes on. */
  #lose(reason: LLM2CLIPError): void {
    void this.#stop();
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening !== undefined) opening.reject(reason);
    else this.#waiting.shift()?.reject(reason);
    if (this.#waiting.length > 0 && opening === undefined) this.#restart();
  }

  #reasonOf(cause: unknown): LLM2CLIPError {
    const { code } = (cause ?? {}) as NodeJS.ErrnoException;
    if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
      const what = `takes more than ${this.#heapMegabytes} MB of memory for a text`;
      return unsupportedTokenizer(this.#content.path, what, cause);
    }
    const message = 'the thread that tokenises ended without an answer';
    return new LLM2CLIPError('ERR_INTERNAL', message, { cause });
  }

  async #stop(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#unwatch();
    await worker?.terminate();
  }

  #end(reason: LLM2CLIPError): void {
    this.#ended ??= reason;
    this.#opening?.reject(reason);
    this.#opening = undefined;
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }
}

function watchByTimer(ms: number, expire: () => void): () => void {
  const timer = setTimeout(expire, ms).unref();
  return () => clearTimeout(timer);
}

function unexpected(): LLM2CLIPError {
  return new LLM2CLIPError('ERR_INTERNAL', 'the thread that tokenises gave another answer');
}
