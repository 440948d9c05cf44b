// The suite's side of the protocol. A peer is another engine in a separate process.
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
  /**
   * The program and its arguments, e.g. `[process.execPath, '--import', 'tsx',
   * 'bench/peers/onnxruntime.mts']`.
   */
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
   * @throws PeerMissing if it is not installed; PeerFailed
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

  /** The versions of the peer's packages, by name. */
  get versions(): Readonly<Record<string, string>> {
    return this.#opened.versions;
  }

  /** The precision that the engine really uses. */
  get precision(): string {
    return this.#opened.precision;
  }

  /** Runs a batch once without timing and then times it. @throws PeerFailed */
  async run(options: RunOptions): Promise<Timing> {
    const request = { op: 'run', ...options, imageSize: this.#imageSize } as const;
    const { seconds, eventLoopDelayMaxMs } = await this.#ask<Timing>(request);
    return { seconds, eventLoopDelayMaxMs };
  }

  /** Returns the raw embeddings of a file's first images. @throws PeerFailed */
  async embed(
    pixels: EmbedOptions['pixels'],
    count: EmbedOptions['count'],
  ): Promise<Float32Array[]> {
    const request = { op: 'embed', pixels, count, imageSize: this.#imageSize } as const;
    const { embeddings } = await this.#ask<{ embeddings: number[][] }>(request);
    return embeddings.map((one) => Float32Array.from(one));
  }

  /** Stops the peer until `resume`. It keeps its memory. */
  stop(): Promise<void> {
    return this.#process.stop();
  }

  resume(): void {
    this.#process.resume();
  }

  /** The peak memory; null if the system does not report it or the peer has ended. */
  peakMemoryBytes(): number | null {
    return this.#process.peakMemoryBytes();
  }

  /** Asks the peer to end, and resolves when it has. @throws PeerFailed if it has died already */
  close(): Promise<void> {
    return this.#process.close();
  }

  /** Kills the peer, stopped or not, and rejects pending requests. Resolves when it has ended. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  #ask<T>(request: Request): Promise<T> {
    return this.#process.ask<T>(request);
  }
}
