// A language model of this project beside transformers' in PyTorch, turn by turn.
import { fileURLToPath } from 'node:url';
import { type Interval, median, pairedRatio } from '#lib/bench/statistics';
import type { NativeSession, Tokens } from '#lib/native';
import { cosine, GATES } from '#lib/parity';
import { embedAll } from '../test/support/text-towers.mts';
import { PeerProcess } from './peers/process.mts';
import type { Opened } from './peers/protocol.mts';
import { PARITY_TEXTS, tokensOf, type Workload, workload } from './text-workloads.mts';

export interface Settings {
  /** Folder of the checkpoint. */
  checkpoint: string;
  workloads: readonly string[];
  rounds: number;
  /** The peer may use fewer, where they are faster. */
  threads: number;
  python: string;
}

export interface Result {
  workload: string;
  texts: number;
  tokens: number;
  /** Of each round. */
  seconds: number[];
  tokensPerSecond: number;
  peerSeconds?: number[];
  peerTokensPerSecond?: number;
  /** Texts that the peer found fastest to run together. */
  peerBatch?: number;
  /** How many times as fast as the peer; absent where its features are others. */
  ratio?: Interval;
}

export interface Comparison {
  /** Null where ours ran alone. */
  peer: (Opened & { name: string; threads: number }) | null;
  /** Of our features to the peer's. */
  minCosine?: number;
  passed?: boolean;
  results: Result[];
}

interface PeerTurn {
  seconds: number[];
  batch: number;
}

/** transformers' model in a process of its own. */
class TextPeer {
  readonly #process: PeerProcess;

  constructor(precision: string, python: string) {
    const program = fileURLToPath(new URL('./peers/text.py', import.meta.url));
    this.#process = new PeerProcess(`PyTorch ${precision}`, [python, program]);
  }

  #ask<T>(op: string, request: object): Promise<T> {
    return this.#process.ask<T>({ op, ...request });
  }

  /** Gives what it runs on. @throws PeerMissing, PeerFailed */
  async open(model: string, threads: number, precision: string) {
    const request = { model, threads, precision };
    const opened = await this.#ask<Opened & { threads: number }>('open', request);
    return { precision: opened.precision, versions: opened.versions, threads: opened.threads };
  }

  async embed(texts: readonly Tokens[]): Promise<Float32Array[]> {
    const { embeddings } = await this.#ask<{ embeddings: number[][] }>('embed', plain(texts));
    return embeddings.map((one) => Float32Array.from(one));
  }

  run(name: string, { texts, repeat }: Workload): Promise<PeerTurn> {
    return this.#ask('run', { workload: name, ...plain(texts), repeat });
  }

  close(): Promise<void> {
    return this.#process.close();
  }
}

/** As the protocol carries texts. */
function plain(texts: readonly Tokens[]) {
  return { texts: texts.map(({ ids, pooled }) => ({ ids: [...ids], pooled })) };
}

async function ownTurn(model: NativeSession, { texts, repeat }: Workload): Promise<number> {
  const seconds: number[] = [];
  for (let i = 0; i < repeat; i++) {
    const begin = performance.now();
    await embedAll(model, texts);
    seconds.push((performance.now() - begin) / 1000);
  }
  return median(seconds);
}

async function takeTurns(
  model: NativeSession,
  peer: TextPeer | null,
  name: string,
  rounds: number,
): Promise<Result> {
  const work = workload(name);
  const seconds: number[] = [];
  const turns: PeerTurn[] = [];
  await embedAll(model, work.texts); // warm-up; the peer's is in its first turn
  for (let round = 0; round < rounds; round++) {
    seconds.push(await ownTurn(model, work));
    if (peer !== null) turns.push(await peer.run(name, work));
  }
  const tokens = tokensOf(work);
  const own = { workload: name, texts: work.texts.length, tokens, seconds };
  const rate = { tokensPerSecond: tokens / median(seconds) };
  if (turns.length === 0) return { ...own, ...rate };
  const peerSeconds = turns.map((turn) => median(turn.seconds));
  return {
    ...{ ...own, ...rate, peerSeconds, peerTokensPerSecond: tokens / median(peerSeconds) },
    ...{ peerBatch: (turns[0] as PeerTurn).batch, ratio: pairedRatio(seconds, peerSeconds) },
  };
}

async function allTurns(
  model: NativeSession,
  peer: TextPeer | null,
  { workloads, rounds }: Settings,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const name of workloads) {
    results.push(await takeTurns(model, peer, name, rounds));
    console.error(JSON.stringify(results.at(-1)));
  }
  return results;
}

export async function runAlone(model: NativeSession, settings: Settings): Promise<Comparison> {
  return { peer: null, results: await allTurns(model, null, settings) };
}

/** @throws PeerMissing, PeerFailed */
export async function compareWithPeer(
  model: NativeSession,
  precision: string,
  settings: Settings,
): Promise<Comparison> {
  const peer = new TextPeer(precision, settings.python);
  try {
    const opened = await peer.open(settings.checkpoint, settings.threads, precision);
    const expected = await peer.embed(PARITY_TEXTS);
    const found = await embedAll(model, PARITY_TEXTS);
    const cosines = found.map((one, i) => cosine(one, expected[i] as Float32Array));
    const minCosine = Math.min(...cosines);
    const passed = minCosine >= GATES.bf16;
    console.error(`PyTorch ${precision}: cosine ${minCosine}`);
    const results = await allTurns(model, peer, settings);
    return {
      ...{ peer: { name: `PyTorch ${precision}`, ...opened }, minCosine, passed },
      results: passed ? results : results.map(({ ratio: _, ...rest }) => rest),
    };
  } finally {
    await peer.close();
  }
}
