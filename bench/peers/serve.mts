// A peer's side of the protocol, for peers that run in Node: reads requests from stdin, answers on
// stdout, and times its engine itself.
import { Console } from 'node:console';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { readPixels, type Selection } from './pixels.mts';
import type { Failure, Opened, OpenOptions, Reply, Request, Timing } from './protocol.mts';

export interface PeerEngine extends Opened {
  /** pixels: [batch, 3, S, S] → [batch, E] */
  run(pixels: Float32Array, shape: readonly number[]): Promise<Float32Array>;
}

export type OpenEngine = (options: OpenOptions) => Promise<PeerEngine>;

/** So long that the monitor's timer fires, which tells it of a hold-up that is over. */
const MONITOR_MS = 5;

class Peer {
  readonly #open: OpenEngine;
  #engine: PeerEngine | undefined;
  readonly #warm = new Set<number>();

  constructor(open: OpenEngine) {
    this.#open = open;
  }

  async answer(request: Request): Promise<object> {
    if (request.op === 'open') return this.#opened(request);
    if (request.op === 'run') return this.#time(request, request.repeat);
    if (request.op === 'embed') return { embeddings: await this.#embed(request) };
    if (request.op === 'close') return {};
    throw new Error(`expected open, run, embed or close, received ${JSON.stringify(request)}`);
  }

  async #opened(options: OpenOptions): Promise<Opened> {
    this.#engine = await this.#open(options);
    this.#warm.clear();
    const { precision, versions } = this.#engine;
    return { precision, versions };
  }

  #run(pixels: Float32Array, { batch, imageSize }: Selection): Promise<Float32Array> {
    if (this.#engine === undefined) throw new Error('expected an open model: send open first');
    return this.#engine.run(pixels, [batch, 3, imageSize, imageSize]);
  }

  async #time(selection: Selection, repeat: number): Promise<Timing> {
    const pixels = await readPixels(selection);
    // An engine allocates and chooses its kernels in a shape's first run.
    if (!this.#warm.has(selection.batch)) await this.#run(pixels, selection);
    this.#warm.add(selection.batch);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await sleep(MONITOR_MS);
    const seconds: number[] = [];
    for (let i = 0; i < repeat; i++) {
      const started = performance.now();
      await this.#run(pixels, selection);
      seconds.push((performance.now() - started) / 1000);
    }
    await sleep(MONITOR_MS);
    delay.disable();
    return { seconds, eventLoopDelayMaxMs: delay.max / 1e6 };
  }

  async #embed({ pixels, imageSize, count }: Request & { op: 'embed' }): Promise<number[][]> {
    const embeddings: number[][] = [];
    for (let offset = 0; offset < count; offset++) {
      const selection = { pixels, imageSize, offset, batch: 1 };
      embeddings.push([...(await this.#run(await readPixels(selection), selection))]);
    }
    return embeddings;
  }
}

const LONGEST_ERROR = 300;
const MISSING = ['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'];

function failureOf(error: unknown): Failure {
  const { message, code } = error as NodeJS.ErrnoException;
  const line = String(message ?? error)
    .trim()
    .replace(/\s+/g, ' ');
  return { ok: false, error: line.slice(0, LONGEST_ERROR), missing: MISSING.includes(code ?? '') };
}

/** Waits until all of it is written: a pipe takes less than many embeddings at once. */
function say(reply: Reply<object>): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(`${JSON.stringify(reply)}\n`, () => resolve());
  });
}

/** Answers requests until `close` or the end of stdin, then ends the process. */
export async function serve(open: OpenEngine): Promise<never> {
  // stdout is the protocol's alone, whatever libraries print.
  globalThis.console = new Console(process.stderr);
  const peer = new Peer(open);
  for await (const line of createInterface({ input: process.stdin })) {
    let op: string | undefined;
    let reply: Reply<object>;
    try {
      const request = JSON.parse(line) as Request;
      op = request.op;
      reply = { ok: true, ...(await peer.answer(request)) };
    } catch (error) {
      reply = failureOf(error);
    }
    await say(reply);
    if (op === 'close') break;
  }
  process.exit(0);
}
