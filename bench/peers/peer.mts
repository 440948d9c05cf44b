// The suite's side of the protocol: a peer is another engine in a process of its own.
import { PeerProcess } from './process.mts';
import type {
  EmbedOptions,
  Opened,
  OpenOptions,
  Request,
  RunOptions,
  Timing,
} from './protocol.mts';

export { PeerFailed, PeerMissing } from './process.mts';

export interface PeerSpec {
  name: string;
  /** Program and arguments, e.g. `[process.execPath, '--import', 'tsx', 'bench/peers/onnxruntime.mts']`. */
  command: string[];
  open: OpenOptions;
}

/** A running peer with an open model. */
export class Peer {
  readonly #process: PeerProcess;
  readonly #imageSize: number;
  #opened: Opened = { precision: '', versions: {} };

  private constructor({ name, command, open }: PeerSpec, signal?: AbortSignal) {
    this.#process = new PeerProcess(name, command, { signal });
    this.#imageSize = open.imageSize;
  }

  /**
   * Starts a peer and opens its model.
   *
   * @param signal - ends the peer when it aborts
   * @throws PeerMissing where it is not installed; PeerFailed
   * @example
   * const peer = await Peer.start({ name: 'onnxruntime', command, open });
   * const { seconds } = await peer.run({ pixels, offset: 0, batch: 1, leastSeconds: 0.1 });
   * await peer.close();
   */
  static async start(spec: PeerSpec, signal?: AbortSignal): Promise<Peer> {
    const peer = new Peer(spec, signal);
    try {
      peer.#opened = await peer.#ask<Opened>({ op: 'open', ...spec.open });
      return peer;
    } catch (error) {
      await peer.kill();
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

  /** Times a batch, after a run of it that is not timed. @throws PeerFailed */
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

  /** Stops the peer until `resume`, with all that it holds in memory. */
  stop(): Promise<void> {
    return this.#process.stop();
  }

  resume(): void {
    this.#process.resume();
  }

  /** The most memory that it has had; null where the system does not tell, or it has ended. */
  peakMemoryBytes(): number | null {
    return this.#process.peakMemoryBytes();
  }

  /** Lets the peer end by itself; resolves when it has. @throws PeerFailed where it is dead already */
  close(): Promise<void> {
    return this.#process.close();
  }

  /** Ends the peer at once, stopped or not; what is pending is rejected. Resolves when it has ended. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  #ask<T>(request: Request): Promise<T> {
    return this.#process.ask<T>(request);
  }
}
