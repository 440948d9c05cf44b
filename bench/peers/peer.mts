// The suite's side of the protocol: a peer is another engine in a process of its own.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type {
  EmbedOptions,
  Opened,
  OpenOptions,
  Reply,
  Request,
  RunOptions,
  Timing,
} from './protocol.mts';

export interface PeerSpec {
  name: string;
  /** Program and arguments, e.g. `[process.execPath, '--import', 'tsx', 'bench/peers/onnxruntime.mts']`. */
  command: string[];
  open: OpenOptions;
}

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

/** A running peer with an open model. Its requests are answered one after the other. */
export class Peer {
  readonly #name: string;
  readonly #imageSize: number;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<void>;
  readonly #pending: Pending[] = [];
  #lastWords = '';
  /** Why nothing more can be asked. */
  #failure: Error | undefined;
  #opened: Opened = { precision: '', versions: {} };

  private constructor({ name, command, open }: PeerSpec) {
    this.#name = name;
    this.#imageSize = open.imageSize;
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

  /**
   * Starts a peer and opens its model.
   *
   * @throws PeerMissing where it is not installed; PeerFailed
   * @example
   * const peer = await Peer.start({ name: 'onnxruntime', command, open });
   * const { seconds } = await peer.run({ pixels, offset: 0, batch: 1, repeat: 5 });
   * await peer.close();
   */
  static async start(spec: PeerSpec): Promise<Peer> {
    const peer = new Peer(spec);
    try {
      peer.#opened = await peer.#ask<Opened>({ op: 'open', ...spec.open });
      return peer;
    } catch (error) {
      peer.kill();
      await peer.#ended;
      throw error;
    }
  }

  /** Of the peer's packages, by name. */
  get versions(): Readonly<Record<string, string>> {
    return this.#opened.versions;
  }

  /** What really runs. */
  get precision(): string {
    return this.#opened.precision;
  }

  /** Times a batch; a batch size's first run is not counted. @throws PeerFailed */
  async run(options: RunOptions): Promise<Timing> {
    const request = { op: 'run', ...options, imageSize: this.#imageSize } as const;
    const { seconds, eventLoopDelayMaxMs } = await this.#ask<Timing>(request);
    return { seconds, eventLoopDelayMaxMs };
  }

  /** The raw embeddings of a file's first pictures. @throws PeerFailed */
  async embed(
    pixels: EmbedOptions['pixels'],
    count: EmbedOptions['count'],
  ): Promise<Float32Array[]> {
    const request = { op: 'embed', pixels, count, imageSize: this.#imageSize } as const;
    const { embeddings } = await this.#ask<{ embeddings: number[][] }>(request);
    return embeddings.map((one) => Float32Array.from(one));
  }

  /** Lets the peer end by itself; resolves when it has. @throws PeerFailed where it is dead already */
  async close(): Promise<void> {
    const late = setTimeout(() => this.kill(), CLOSE_MS);
    try {
      await this.#ask({ op: 'close' });
      this.#child.stdin.end();
      await this.#ended;
    } finally {
      clearTimeout(late);
    }
  }

  /** Ends the peer at once; what is pending is rejected. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #failed(what: string, detail: string): PeerFailed {
    return new PeerFailed(`${this.#name} ${what}${detail === '' ? '' : `: ${detail}`}`);
  }

  /** The first failure is the one told, to all that wait and all that ask later. */
  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#pending.splice(0)) reject(this.#failure);
  }

  #ask<T>(request: Request): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#pending.push({ resolve: (reply) => resolve(reply as T), reject });
      this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    });
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
