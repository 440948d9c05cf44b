// A contestant in Node that embeds images. It answers the protocol's requests and times its engine
// itself.
import { longestHoldUp } from './hold-up.mts';
import { readPixels, type Selection } from './pixels.mts';
import type { Opened, OpenOptions, Request, Timing } from './protocol.mts';
import { answerRequests } from './requests.mts';

export interface PeerEngine extends Opened {
  /** pixels: [batch, 3, S, S] → [batch, E] */
  run(pixels: Float32Array, shape: readonly number[]): Promise<Float32Array>;
}

export type OpenEngine = (options: OpenOptions) => Promise<PeerEngine>;

type RequestOf<Op extends Request['op']> = Request & { op: Op };

class Peer {
  readonly #open: OpenEngine;
  #engine: PeerEngine | undefined;

  constructor(open: OpenEngine) {
    this.#open = open;
  }

  async open(options: RequestOf<'open'>): Promise<Opened> {
    this.#engine = await this.#open(options);
    const { precision, versions } = this.#engine;
    return { precision, versions };
  }

  #run(pixels: Float32Array, { batch, imageSize }: Selection): Promise<Float32Array> {
    if (this.#engine === undefined) throw new Error('expected an open model: send open first');
    return this.#engine.run(pixels, [batch, 3, imageSize, imageSize]);
  }

  /**
   * The first run is not timed: the process may have been stopped, or must allocate for a new
   * shape.
   */
  async time(request: RequestOf<'run'>): Promise<Timing> {
    const pixels = await readPixels(request);
    const eventLoopDelayMaxMs = await longestHoldUp(() => this.#run(pixels, request));
    const seconds: number[] = [];
    for (let sum = 0; seconds.length === 0 || sum < request.leastSeconds; ) {
      const started = performance.now();
      await this.#run(pixels, request);
      const took = (performance.now() - started) / 1000;
      seconds.push(took);
      sum += took;
    }
    return { seconds, eventLoopDelayMaxMs };
  }

  async embed({ pixels, imageSize, count }: RequestOf<'embed'>): Promise<number[][]> {
    const embeddings: number[][] = [];
    for (let offset = 0; offset < count; offset++) {
      const selection = { pixels, imageSize, offset, batch: 1 };
      embeddings.push([...(await this.#run(await readPixels(selection), selection))]);
    }
    return embeddings;
  }
}

/** Answers requests until `close` or the end of stdin, and then ends the process. */
export function serve(open: OpenEngine): Promise<never> {
  const peer = new Peer(open);
  return answerRequests({
    open: (request: RequestOf<'open'>) => peer.open(request),
    run: (request: RequestOf<'run'>) => peer.time(request),
    embed: async (request: RequestOf<'embed'>) => ({ embeddings: await peer.embed(request) }),
  });
}
