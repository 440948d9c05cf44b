// A peer's process. Requests go to its stdin, and answers come from its stdout, as in protocol.mts.
import { createInterface } from 'node:readline';
import { ProcessGroup } from './process-group.mts';
import type { Reply } from './protocol.mts';

/** The peer is not installed on this machine. bench/peers/setup installs all peers. */
export class PeerMissing extends Error {
  override readonly name = 'PeerMissing';
}

/** The peer answered with an error, died, or sent something that is not a reply. */
export class PeerFailed extends Error {
  override readonly name = 'PeerFailed';
}

interface Pending {
  resolve: (reply: object) => void;
  reject: (error: Error) => void;
}

/**
 * Matches the reason, such as "TypeError: no such image", but not the stack and the Node version
 * after it.
 */
const ERROR = /^\w*(Error|Exception)\b.*: /;

/** How long a peer may take to answer `close`, and then to end, before it is killed. */
const CLOSE_MS = 60_000;
/**
 * How long a peer may take to answer. A quantisation takes minutes; a peer that hangs must not wait
 * forever.
 */
const ANSWER_MS = 30 * 60_000;

export interface PeerProcessOptions {
  /** Kills the peer when it aborts. */
  signal?: AbortSignal | undefined;
  /** How long an answer may take before the peer is killed. */
  answerMs?: number;
  /** How long the peer may take to end after it answered `close`, before it is killed. */
  closeMs?: number;
}

/** A peer in a separate process. It answers requests one after another. */
export class PeerProcess {
  readonly #name: string;
  readonly #group: ProcessGroup;
  readonly #ended: Promise<void>;
  readonly #answerMs: number;
  readonly #closeMs: number;
  #stopped = false;
  readonly #pending: Pending[] = [];
  #lastWords = '';
  #saidError = false;
  /** Why the peer accepts no more requests. */
  #failure: Error | undefined;

  /**
   * @param command - program and arguments, e.g. `[python, 'bench/peers/text.py']`
   * @example
   * const peer = new PeerProcess('PyTorch', command);
   * const { precision } = await peer.ask<Opened>({ op: 'open', ...options });
   * await peer.close();
   */
  constructor(
    name: string,
    command: readonly string[],
    { signal, answerMs = ANSWER_MS, closeMs = CLOSE_MS }: PeerProcessOptions = {},
  ) {
    signal?.throwIfAborted();
    this.#name = name;
    this.#answerMs = answerMs;
    this.#closeMs = closeMs;
    this.#group = new ProcessGroup(command as readonly [string, ...string[]]);
    const { leader } = this.#group;
    leader.stdin.on('error', () => {}); // the exit event reports a peer that died
    createInterface({ input: leader.stdout }).on('line', (line) => this.#take(line));
    createInterface({ input: leader.stderr }).on('line', (line) => {
      const isError = ERROR.test(line);
      if (line.trim() === '' || (this.#saidError && !isError)) return;
      this.#saidError = isError;
      this.#lastWords = line.trim();
    });
    leader.on('error', (error: NodeJS.ErrnoException) => {
      const absent = error.code === 'ENOENT';
      const message = `${name}: cannot start ${command[0]}: ${error.message}`;
      this.#fail(absent ? new PeerMissing(message) : new PeerFailed(message));
    });
    const end = () => this.#group.kill();
    signal?.addEventListener('abort', end);
    this.#ended = new Promise((resolve) => {
      leader.on('close', (code, by) => {
        signal?.removeEventListener('abort', end);
        this.#fail(this.#failed(`ended with ${by ?? `exit code ${code}`}`, this.#lastWords));
        resolve();
      });
    });
  }

  /** @throws PeerMissing if it is not installed; PeerFailed, also if it does not answer */
  async ask<T>(request: { op: string }, answerMs = this.#answerMs): Promise<T> {
    if (this.#stopped) throw new Error(`expected ${this.#name} to run: call resume() first`);
    const late = setTimeout(() => {
      const what = `did not answer within ${answerMs / 1000} s`;
      this.#fail(this.#failed(what, this.#lastWords));
      this.#group.kill();
    }, answerMs);
    try {
      return await new Promise<T>((resolve, reject) => {
        if (this.#failure !== undefined) return reject(this.#failure);
        this.#pending.push({ resolve: (reply) => resolve(reply as T), reject });
        this.#group.leader.stdin.write(`${JSON.stringify(request)}\n`);
      });
    } finally {
      clearTimeout(late);
    }
  }

  /**
   * Stops the peer with all its processes until `resume`. It keeps its memory. Resolves when none
   * of its threads runs any more. If one still runs, the peer is killed. Does nothing if the peer
   * has ended.
   */
  async stop(): Promise<void> {
    if (this.#pending.length > 0) throw new Error(`expected ${this.#name} to have answered`);
    this.#stopped = true;
    try {
      await this.#group.stop();
    } catch (error) {
      this.#fail(this.#failed((error as Error).message, ''));
      await this.kill();
    }
  }

  resume(): void {
    this.#stopped = false;
    this.#group.resume();
  }

  /** The peak memory; null if the system does not report it or the peer has ended. */
  peakMemoryBytes(): number | null {
    return this.#group.peakMemoryBytes();
  }

  /** Asks the peer to end, and resolves when it has. @throws PeerFailed if it has died already */
  async close(): Promise<void> {
    this.resume();
    await this.ask({ op: 'close' }, Math.min(this.#answerMs, CLOSE_MS));
    this.#group.leader.stdin.end();
    const late = setTimeout(() => this.#group.kill(), this.#closeMs);
    await this.#ended;
    clearTimeout(late);
  }

  /** Kills the peer, stopped or not, and rejects pending requests. Resolves when it has ended. */
  async kill(): Promise<void> {
    this.#group.kill();
    await this.#ended;
  }

  #failed(what: string, detail: string): PeerFailed {
    return new PeerFailed(`${this.#name} ${what}${detail === '' ? '' : `: ${detail}`}`);
  }

  /** Every pending and later request is rejected with the first failure. */
  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#pending.splice(0)) reject(this.#failure);
  }

  #take(line: string): void {
    const reply = parseReply(line);
    const pending = reply === undefined ? undefined : this.#pending.shift();
    if (reply === undefined || pending === undefined) {
      this.#fail(this.#failed('wrote what is no reply', JSON.stringify(line.slice(0, 80))));
      this.#group.kill();
    } else if (reply.ok) {
      pending.resolve(reply);
    } else if (reply.missing === true) {
      pending.reject(new PeerMissing(`${this.#name}: ${reply.error}: run bench/peers/setup`));
    } else {
      pending.reject(this.#failed('failed', reply.error));
    }
  }
}

function parseReply(line: string): Reply<object> | undefined {
  try {
    const value = JSON.parse(line) as Partial<Reply<object>> | null;
    return typeof value?.ok === 'boolean' ? (value as Reply<object>) : undefined;
  } catch {
    return undefined;
  }
}
