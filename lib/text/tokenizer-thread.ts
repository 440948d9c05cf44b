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

/**
 * Heap limit of the thread. Llama 3's vocabulary takes 200 MB; normalizers of a hostile file may
 * grow a text without end.
 */
const HEAP_MEGABYTES = 1024;

/** Time-outs, far longer than Llama 3's tokenizer needs on a busy machine. */
const LONGEST_MS = { open: 60_000, request: 30_000 };

/**
 * Calls `expire` after `ms` unless the returned function is called first. Tests replace the clock.
 */
export type Watch = (ms: number, expire: () => void) => () => void;

interface Waiting {
  request: TokenizerRequest;
  resolve(reply: TokenizerReply): void;
  reject(reason: LLM2CLIPError): void;
}

/**
 * A thread that holds one tokenizer. It keeps the process alive only while a request is pending.
 * The patterns and normalizers of a file may run for ever or exhaust the memory. Then the thread is
 * terminated, its current request fails, and a new thread continues with the next one.
 */
export class TokenizerThread {
  readonly #content: TokenizerContent;
  readonly #watch: Watch;
  readonly #heapMegabytes: number;
  #worker: Worker | undefined;
  /** Set until the thread has opened its tokenizer. */
  #opening: { resolve(info: TokenizerInfo): void; reject(reason: LLM2CLIPError): void } | undefined;
  /** Pending requests, in the order in which the thread answers them. */
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
      const ids = new Int32Array(reply.ids.subarray(end - length, end)); // A copy in this realm.
      return { ids, pooled: reply.pooled[i] ?? 0 };
    });
  }

  /** Ends the thread. Pending requests reject with ERR_DISPOSED. */
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

  /** Starts a thread that opens the tokenizer. Waiting requests are sent when it is open. */
  #start(): Promise<TokenizerInfo> {
    const worker = new Worker(join(__dirname, 'tokenizer-worker.js'), {
      workerData: this.#content,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: this.#heapMegabytes },
    });
    this.#worker = worker;
    // Ignore events of a worker that has been replaced.
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

  /** Starts the time-out of the thread's current work. */
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

  /**
   * Handles a thread that stopped answering: its current request fails and a new thread continues.
   */
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
    const message = 'the tokenizer thread ended without a reply';
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
  return new LLM2CLIPError('ERR_INTERNAL', 'the tokenizer thread sent an unexpected reply');
}
