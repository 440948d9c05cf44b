// Ours beside each peer, turn by turn and each round in another order, so that whatever else the
// machine does meets all alike.

import { compareEmbeddings } from '#lib/bench/parity';
import type { Comparison, Contestant, Parity } from '#lib/bench/record';
import { median, pairedRatio, quantile } from '#lib/bench/statistics';
import { openPeer, type PixelFile, type Runner } from './contestants.mts';
import { PeerMissing, type PeerSpec } from './peers/peer.mts';

export interface Settings {
  model: string;
  device: string;
  threads: number;
  batches: readonly number[];
  rounds: number;
  pixels: PixelFile;
  /** Embeddings in fp32 that parity is to; of the first pictures of `pixels`. */
  reference: Float32Array[];
  signal: AbortSignal;
}

/** A turn lasts about this long at the least: short ones are repeated. */
const LEAST_TURN_SECONDS = 0.1;
/** Two to warm up, of which the first is enough where turns are long. */
const WARM_UP_ROUNDS = 2;
const LONG_TURN_SECONDS = 1;

/** What one runner did in its turns at one batch size. */
interface Turns {
  repeat: number;
  /** A value a round. */
  medians: number[];
  all: number[];
  eventLoopDelayMaxMs: number | null;
}

function newTurns(repeat: number): Turns {
  return { repeat, medians: [], all: [], eventLoopDelayMaxMs: null };
}

async function takeTurn(runner: Runner, turns: Turns, batch: number, round: number) {
  const { repeat } = turns;
  const turn = { offset: round * batch, batch, repeat };
  const { seconds, eventLoopDelayMaxMs } = await runner.run(turn);
  turns.medians.push(median(seconds));
  turns.all.push(...seconds);
  if (eventLoopDelayMaxMs !== null) {
    turns.eventLoopDelayMaxMs = Math.max(turns.eventLoopDelayMaxMs ?? 0, eventLoopDelayMaxMs);
  }
}

/** Each runner's turn, in this order. */
async function playRound(
  runners: readonly Runner[],
  turns: readonly Turns[],
  order: readonly number[],
  { batch, round, signal }: { batch: number; round: number; signal: AbortSignal },
) {
  for (const i of order) {
    signal.throwIfAborted();
    await takeTurn(runners[i] as Runner, turns[i] as Turns, batch, round);
  }
}

/** Of a warm-up, only how long a turn takes is kept. */
async function warmUp(runners: readonly Runner[], batch: number, signal: AbortSignal) {
  const turns = runners.map(() => newTurns(1));
  for (let i = 0; i < WARM_UP_ROUNDS; i++) {
    await playRound(runners, turns, [...runners.keys()], { batch, round: i, signal });
    for (const one of turns) one.all = one.medians.splice(0);
    if (turns.some(({ all }) => (all[0] ?? 0) > LONG_TURN_SECONDS)) break;
  }
  return turns.map(({ all }) => all[0] ?? 0);
}

/** All runners in turn, so many rounds. */
async function takeTurns(runners: readonly Runner[], batch: number, settings: Settings) {
  const { rounds, signal } = settings;
  const lengths = await warmUp(runners, batch, signal);
  const turns = lengths.map((seconds) =>
    newTurns(Math.max(1, Math.ceil(LEAST_TURN_SECONDS / seconds))),
  );
  const order = [...runners.keys()];
  for (let round = 0; round < rounds; round++) {
    await playRound(runners, turns, order, { batch, round, signal });
    order.push(order.shift() as number);
  }
  return turns;
}

function parityOf(found: Float32Array[], settings: Settings, precision: string): Parity {
  return compareEmbeddings(found, settings.reference, { precision, reference: 'llm2clip fp32' });
}

function figures(seconds: readonly number[], all: readonly number[], batch: number) {
  return {
    p50: 1000 * quantile(all, 0.5),
    p99: 1000 * quantile(all, 0.99),
    picturesPerSecond: batch / median(seconds),
  };
}

function absent({ name, open }: PeerSpec, error: unknown): Contestant {
  return {
    ...{ name, precision: open.precision, versions: {}, seconds: [], oursSeconds: null },
    status: error instanceof PeerMissing ? 'skipped' : 'failed',
    reason: (error as Error).message,
    ...{ p50: 0, p99: 0, picturesPerSecond: 0 },
    ...{ parity: null, eventLoopDelayMax: null, ratio: null },
  };
}

/** One of ours at one batch size, and what it met. */
class Standing {
  readonly ours: Runner;
  readonly parity: Parity;
  readonly batch: number;
  readonly #contestants: Contestant[] = [];
  readonly #turns: Turns[] = [];

  constructor(ours: Runner, parity: Parity, batch: number) {
    this.ours = ours;
    this.parity = parity;
    this.batch = batch;
  }

  /** fp32 stands beside fp32, any lower precision beside everything. */
  meets({ open }: PeerSpec): boolean {
    return this.ours.precision !== 'fp32' || open.precision === 'fp32';
  }

  add(peer: Runner, parity: Parity, own: Turns, theirs: Turns): Contestant {
    this.#turns.push(own);
    const { name, precision, versions } = peer;
    const contestant: Contestant = {
      ...{ name, precision, versions, status: 'measured', reason: null, parity },
      seconds: theirs.medians,
      oursSeconds: own.medians,
      ...figures(theirs.medians, theirs.all, this.batch),
      eventLoopDelayMax: theirs.eventLoopDelayMaxMs,
      ratio: parity.passed ? pairedRatio(own.medians, theirs.medians) : null,
    };
    this.#contestants.push(contestant);
    return contestant;
  }

  addAbsent(spec: PeerSpec, error: unknown): void {
    this.#contestants.push(absent(spec, error));
  }

  /** Where no peer came, ours alone. */
  async runAlone(settings: Settings): Promise<void> {
    if (this.#turns.length > 0) return;
    this.#turns.push(...(await takeTurns([this.ours], this.batch, settings)));
  }

  /** Null before any turn. */
  comparison({ model, device, threads, rounds }: Settings): Comparison | null {
    if (this.#turns.length === 0) return null;
    const { name, precision, versions } = this.ours;
    const seconds = this.#turns.flatMap(({ medians }) => medians);
    const all = this.#turns.flatMap((turns) => turns.all);
    const own: Contestant = {
      ...{ name, precision, versions, status: 'measured', reason: null },
      ...{ seconds, oursSeconds: null, parity: this.parity },
      ...figures(seconds, all, this.batch),
      eventLoopDelayMax: Math.max(...this.#turns.map((one) => one.eventLoopDelayMaxMs ?? 0)),
      ratio: null,
    };
    const contestants = [own, ...this.#contestants];
    return { model, device, threads, batch: this.batch, rounds, contestants };
  }
}

/** Those it has met are taken out of `standings`. */
async function meet(
  spec: PeerSpec,
  standings: Set<Standing>,
  settings: Settings,
  onMet: (ours: Runner, batch: number, contestant: Contestant) => void,
): Promise<void> {
  const peer = await openPeer(spec, settings.pixels);
  try {
    const found = await peer.embed(settings.reference.length);
    const parity = parityOf(found, settings, spec.open.precision);
    for (const batch of settings.batches) {
      const present = [...standings].filter((one) => one.batch === batch);
      if (present.length === 0) continue;
      const runners = [...present.map(({ ours }) => ours), peer];
      const turns = await takeTurns(runners, batch, settings);
      for (const [i, standing] of present.entries()) {
        const [own, theirs] = [turns[i] as Turns, turns.at(-1) as Turns];
        onMet(standing.ours, batch, standing.add(peer, parity, own, theirs));
        standings.delete(standing);
      }
    }
  } finally {
    await peer.close();
  }
}

const unlessAborted = (signal: AbortSignal) => (error: unknown) => {
  if (!signal.aborted) throw error;
};

async function standingsOf(ours: readonly Runner[], settings: Settings): Promise<Standing[]> {
  const standings: Standing[] = [];
  for (const one of ours) {
    const parity = parityOf(await one.embed(settings.reference.length), settings, one.precision);
    standings.push(...settings.batches.map((batch) => new Standing(one, parity, batch)));
  }
  return standings.sort((a, b) => a.batch - b.batch);
}

/**
 * All of ours against all peers, one peer after the other; what goes wrong with a peer is its
 * result. A comparison for each of ours at each batch size; when `signal` aborts, of what was
 * finished by then.
 */
export async function compareAll(
  ours: readonly Runner[],
  peers: readonly PeerSpec[],
  settings: Settings,
  onMet: (ours: Runner, batch: number, contestant: Contestant) => void,
  onAbsent: (spec: PeerSpec, reason: string) => void,
): Promise<Comparison[]> {
  const { signal } = settings;
  const standings = await standingsOf(ours, settings);
  for (const spec of peers) {
    const unmet = new Set(standings.filter((one) => one.meets(spec)));
    try {
      signal.throwIfAborted();
      await meet(spec, unmet, settings, onMet);
    } catch (error) {
      if (signal.aborted) break;
      onAbsent(spec, (error as Error).message);
      for (const one of unmet) one.addAbsent(spec, error);
    }
  }
  for (const one of standings) {
    if (!signal.aborted) await one.runAlone(settings).catch(unlessAborted(signal));
  }
  return standings.flatMap((one) => one.comparison(settings) ?? []);
}
