import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { abortable } from '../async/abort';
import { isErrorCode, LLM2CLIPError } from '../errors';
import type { ModelInfo } from '../model/model-info';
import type { Answered, Send } from './load';
import type { Lengths, Plan } from './plan';
import type { Closing, Message, OpenOptions, Request } from './protocol';
import type { Measured } from './recorder';

export const SUBJECT_PROGRAM = join(__dirname, 'subject.js');

/**
 * Ctrl-C in a terminal reaches both processes, and may end the other one before it has set its
 * handler. For this time, in milliseconds, this process waits for its own interrupt before it
 * reports that the other one died.
 */
const INTERRUPT_MS = 500;

type Reply<Is extends Message['is']> = Extract<Message, { is: Is }>;

function errorOf({ code, message }: Reply<'failed'>): Error {
  if (isErrorCode(code)) return new LLM2CLIPError(code, message);
  if (code.startsWith('ERR_INVALID_')) return Object.assign(new RangeError(message), { code });
  return new LLM2CLIPError('ERR_INTERNAL', message);
}

/** The measured process, from the generator's side; see protocol.ts. */
export class SubjectProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #ended: Promise<void>;
  readonly #failure = new AbortController();
  readonly #images: number;
  /** The pending request, which waits for its reply. */
  #reply: { resolve: (message: Message) => void; reject: (error: Error) => void } | undefined;
  readonly #asked = new Map<number, (answered: Answered) => void>();
  #closing = false;

  /** Aborted by the caller's signal, or when the process ends too early. */
  readonly signal: AbortSignal;

  private constructor({ paths }: OpenOptions, signal: AbortSignal, program: string) {
    this.#images = paths.length;
    this.signal = AbortSignal.any([signal, this.#failure.signal]);
    this.#child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdin.on('error', () => {}); // The 'exit' event reports it.
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#take(line));
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', (error) => this.#fail(`could not be started: ${error.message}`));
      this.#child.on('close', (code, by) => {
        const fail = () => this.#fail(`ended with ${by ?? `exit code ${code}`}`);
        if (by === 'SIGINT') setTimeout(fail, INTERRUPT_MS).unref();
        else fail();
        resolve();
      });
    });
    this.signal.addEventListener('abort', () => this.#child.kill('SIGKILL'), { once: true });
  }

  /**
   * Starts a process, and opens the bundle and the images in it.
   *
   * @throws what LLM2CLIP.load throws; LLM2CLIPError ERR_INTERNAL if the process dies;
   *   `signal.reason`
   * @example
   * const subject = await SubjectProcess.start(options, signal);
   * try {
   *   const { finished, outcome } = await subject.send(0);
   *   const { stats, observed } = await subject.close();
   * } finally {
   *   await subject.kill();
   * }
   */
  static async start(
    options: OpenOptions,
    signal: AbortSignal,
    program = SUBJECT_PROGRAM,
  ): Promise<{ subject: SubjectProcess; info: ModelInfo }> {
    signal.throwIfAborted();
    const subject = new SubjectProcess(options, signal, program);
    try {
      const { info } = await subject.#request('opened', { op: 'open', ...options });
      return { subject, info };
    } catch (error) {
      await subject.kill();
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Sends a query for one image. The promise never settles after `signal` is aborted. */
  readonly send: Send = (index) =>
    new Promise((resolve) => {
      this.#asked.set(index, resolve);
      this.#write({ op: 'ask', queries: [[index, index % this.#images]] });
    });

  /** Runs callers inside the process. */
  async loop(plan: Plan, lengths: Lengths): Promise<Measured> {
    return (await this.#request('looped', { op: 'loop', plan, lengths })).measured;
  }

  /** Returns the embeddings of all images. */
  async embed(): Promise<Float32Array[]> {
    const { rows } = await this.#request('embedded', { op: 'embed' });
    return rows.map((row) => Float32Array.from(row));
  }

  /** Asks the process to end, and returns its measurements. */
  async close(): Promise<Closing> {
    const { stats, observed } = await this.#request('closed', { op: 'close' });
    this.#closing = true;
    this.#child.stdin.end();
    await abortable(this.#ended, this.signal);
    return { stats, observed };
  }

  /** Kills the process if it is still running. */
  async kill(): Promise<void> {
    this.#closing = true;
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #write(request: Request): void {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
  }

  async #request<Is extends Message['is']>(is: Is, request: Request): Promise<Reply<Is>> {
    const message = new Promise<Message>((resolve, reject) => {
      this.#reply = { resolve, reject };
      this.#write(request);
    });
    const reply = await abortable(message, this.signal);
    if (reply.is !== is) throw this.#fail(`answered ${reply.is} where ${is} was expected of it`);
    return reply as Reply<Is>;
  }

  #take(line: string): void {
    let message: Message;
    try {
      message = JSON.parse(line) as Message;
    } catch {
      this.#fail(`wrote ${JSON.stringify(line.slice(0, 80))}, which is no message`);
      return;
    }
    if (message.is === 'failed') this.#reply?.reject(errorOf(message));
    else if (message.is !== 'told') this.#reply?.resolve(message);
    else {
      for (const [id, finished, outcome] of message.answers) {
        this.#asked.get(id)?.({ finished, outcome });
        this.#asked.delete(id);
      }
    }
  }

  /** Fails all pending and later requests, unless the process was asked to end. */
  #fail(found: string): LLM2CLIPError {
    const error = new LLM2CLIPError(
      'ERR_INTERNAL',
      `expected the measured process to last until its run is over, found that it ${found}; ` +
        'what it wrote to stderr, if anything, says why',
    );
    if (!this.#closing) this.#failure.abort(error);
    return error;
  }
}
