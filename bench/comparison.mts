// Ours beside each peer, turn by turn: A B, B A, A B, … so that whatever else the machine does meets
// both alike.

import { compareEmbeddings } from '#lib/bench/parity';
import type { Comparison, Contestant, Parity } from '#lib/bench/record';
import { median, pairedRatio, quantile } from '#lib/bench/statistics';
import { openPeer, type PixelFile, type Runner } from './contestants.mts';
import { PeerMissing, type PeerSpec } from './peers/peer.mts';

export interface Settings {
  model: string;
  device: string;
  threads: number;
  rounds: number;
  pixels: PixelFile;
  /** Embeddings in fp32 that parity is to; of the first pictures of `pixels`. */
  reference: Float32Array[];
}

/** A turn lasts about this long at the least: short ones are repeated. */
const LEAST_TURN_SECONDS = 0.1;

async function timed(runner: Runner, batch: number, round: number, repeat: number) {
  const { seconds, eventLoopDelayMaxMs } = await runner.run({
    offset: round * batch,
    batch,
    repeat,
  });
  return { seconds: median(seconds), all: seconds, eventLoopDelayMaxMs };
}

interface Rounds {
  ours: number[];
  theirs: number[];
  all: number[];
  eventLoopDelayMaxMs: number | null;
}

async function alternate(ours: Runner, peer: Runner, batch: number, rounds: number) {
  await timed(ours, batch, 0, 1);
  const warm = await timed(peer, batch, 0, 2);
  const repeat = Math.max(1, Math.ceil(LEAST_TURN_SECONDS / warm.seconds));
  const found: Rounds = { ours: [], theirs: [], all: [], eventLoopDelayMaxMs: null };
  const turns = {
    ours: async (round: number) => {
      found.ours.push((await timed(ours, batch, round, repeat)).seconds);
    },
    theirs: async (round: number) => {
      const { seconds, all, eventLoopDelayMaxMs } = await timed(peer, batch, round, repeat);
      found.theirs.push(seconds);
      found.all.push(...all);
      const most = Math.max(found.eventLoopDelayMaxMs ?? 0, eventLoopDelayMaxMs ?? 0);
      found.eventLoopDelayMaxMs = eventLoopDelayMaxMs === null ? null : most;
    },
  };
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? [turns.ours, turns.theirs] : [turns.theirs, turns.ours];
    for (const turn of order) await turn(round);
  }
  return found;
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

/** One of ours beside one peer; what goes wrong with a peer is its result. */
async function duel(
  ours: Runner,
  spec: PeerSpec,
  batch: number,
  settings: Settings,
): Promise<Contestant> {
  try {
    const peer = await openPeer(spec, settings.pixels);
    try {
      const found = await peer.embed(settings.reference.length);
      const parity = parityOf(found, settings, spec.open.precision);
      const rounds = await alternate(ours, peer, batch, settings.rounds);
      const { precision, versions } = peer;
      return {
        ...{ name: spec.name, precision, versions, status: 'measured', reason: null },
        seconds: rounds.theirs,
        oursSeconds: rounds.ours,
        ...figures(rounds.theirs, rounds.all, batch),
        parity,
        eventLoopDelayMax: rounds.eventLoopDelayMaxMs,
        ratio: parity.passed ? pairedRatio(rounds.ours, rounds.theirs) : null,
      };
    } finally {
      await peer.close();
    }
  } catch (error) {
    return absent(spec, error);
  }
}

async function describeOurs(
  ours: Runner,
  settings: Settings,
  peers: readonly Contestant[],
  batch: number,
): Promise<Contestant> {
  const inDuels = peers.flatMap(({ oursSeconds }) => oursSeconds ?? []);
  const alone = inDuels.length > 0 ? null : await ours.run({ offset: 0, batch, repeat: 5 });
  const seconds = alone?.seconds ?? inDuels;
  const { eventLoopDelayMaxMs } = await ours.run({ offset: 0, batch, repeat: 1 });
  const found = await ours.embed(settings.reference.length);
  const { name, precision, versions } = ours;
  return {
    ...{ name, precision, versions, status: 'measured', reason: null },
    seconds,
    oursSeconds: null,
    ...figures(seconds, seconds, batch),
    parity: parityOf(found, settings, ours.precision),
    eventLoopDelayMax: eventLoopDelayMaxMs,
    ratio: null,
  };
}

/** Ours against all peers, one after the other, at one batch size. */
export async function compare(
  ours: Runner,
  peers: readonly PeerSpec[],
  batch: number,
  settings: Settings,
  onDone: (contestant: Contestant) => void,
): Promise<Comparison> {
  const theirs: Contestant[] = [];
  for (const spec of peers) {
    const contestant = await duel(ours, spec, batch, settings);
    theirs.push(contestant);
    onDone(contestant);
  }
  const own = await describeOurs(ours, settings, theirs, batch);
  onDone(own);
  const { model, device, threads, rounds } = settings;
  return { model, device, threads, batch, rounds, contestants: [own, ...theirs] };
}
