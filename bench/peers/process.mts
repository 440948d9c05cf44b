// A peer's process, asked over its stdin and answering on its stdout as protocol.mts says.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Reply } from './protocol.mts';

/** The peer is not installed on this machine: bench/peers/setup installs all of them. */
export class PeerMissing extends Error {
  override readonly name = 'PeerMissing';
}

/** The peer answered with an error, died, or said what is no reply. */
export class PeerFailed extends Error {
  override readonly name = 'PeerFailed';
}

interface Pending {
  resolve: (reply: object) => void;
  reject: (error: Error) => void;
}

/** How long a peer may take to end after `close` before it is killed. */
const CLOSE_MS = 10_000;

/** A running peer. Its requests are answered one after the other. */
export class PeerProcess {
  readonly #name: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<void>;
  readonly #pending: Pending[] = [];
  #lastWords = '';
  /** Why nothing more can be asked. */
  #failure: Error | undefined;

  /**
   * @param command - program and arguments, e.g. `[python, 'bench/peers/text.py']`
   * @example
   * const peer = new PeerProcess('PyTorch', command);
   * const { precision } = await peer.ask<Opened>({ op: 'open', ...options });
   * await peer.close();
   */
  constructor(name: string, command: readonly string[]) {
    this.#name = name;
    const [program, ...args] = command as [string, ...string[]];
    this.#child = spawn(program, args, { stdio: 'pipe' });
    this.#child.stdin.on('error', () => {}); // a peer that died tells by its end
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#take(line));
    createInterface({ input: this.#child.stderr }).on('line', (line) => {
      if (line.trim() !== '') this.#lastWords = line.trim();
    });
    this.#child.on('error', (error: NodeJS.ErrnoException) => {
      const absent = error.code === 'ENOENT';
      const message = `${name}: cannot start ${program}: ${error.message}`;
      this.#fail(absent ? new PeerMissing(message) : new PeerFailed(message));
    });
    this.#ended = new Promise((resolve) => {
      this.#child.on('close', (code, signal) => {
        this.#fail(this.#failed(`ended with ${signal ?? `exit code ${code}`}`, this.#lastWords));
        resolve();
      });
    });
  }

  /** @throws PeerMissing where it is not installed; PeerFailed */
  ask<T>(request: { op: string }): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#pending.push({ resolve: (reply) => resolve(reply as T), reject });
      this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    });
  }

  /** Lets the peer end by itself; resolves when it has. @throws PeerFailed where it is dead already */
  async close(): Promise<void> {
    const late = setTimeout(() => this.kill(), CLOSE_MS);
    try {
      await this.ask({ op: 'close' });
      this.#child.stdin.end();
      await this.#ended;
    } finally {
      clearTimeout(late);
    }
  }

  /** Ends the peer at once; what is pending is rejected. Resolves when it has ended. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #failed(what: string, detail: string): PeerFailed {
    return new PeerFailed(`${this.#name} ${what}${detail === '' ? '' : `: ${detail}`}`);
  }

  /** The first failure is the one told, to all that wait and all that ask later. */
  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#pending.splice(0)) reject(this.#failure);
  }

  #take(line: string): void {
    const reply = parseReply(line);
    const pending = reply === undefined ? undefined : this.#pending.shift();
    if (reply === undefined || pending === undefined) {
      this.#fail(this.#failed('wrote what is no reply', JSON.stringify(line.slice(0, 80))));
      this.kill();
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
