// Compares ours with each peer. They take turns, and each is timed while the others are stopped.
import { compareWithAlone } from '#lib/bench/alone';
import type { Alone, Comparison, Contestant } from '#lib/bench/record';
import { median, pairedRatio, quantile } from '#lib/bench/statistics';
import { timeAlone } from './alone.mts';
import { playGroups } from './company.mts';
import { Entry, joinTurns, type Settings, type Turns } from './entry.mts';
import { PeerMissing, type PeerSpec } from './peers/peer.mts';

export type { Settings } from './entry.mts';

/** fp32 is compared with fp32. Lower precisions are compared with every precision. */
function meets(ours: Entry, peer: Entry): boolean {
  return ours.spec.open.precision !== 'fp32' || peer.spec.open.precision === 'fp32';
}

function figures({ medians, all, eventLoopDelayMaxMs }: Turns, batch: number) {
  return {
    seconds: medians,
    p50: 1000 * quantile(all, 0.5),
    p99: 1000 * quantile(all, 0.99),
    picturesPerSecond: batch / median(medians),
    eventLoopDelayMax: eventLoopDelayMaxMs,
  };
}

function absent({ spec, failure }: Entry): Contestant {
  return {
    ...{ name: spec.name, precision: spec.open.precision, versions: {}, seconds: [] },
    status: failure instanceof PeerMissing ? 'skipped' : 'failed',
    reason: failure?.message ?? null,
    ...{ oursSeconds: null, p50: 0, p99: 0, picturesPerSecond: 0 },
    ...{ parity: null, eventLoopDelayMax: null, ratio: null, alone: null },
  };
}

/** The figures of the contestants at one batch size, after all rounds. */
class Results {
  readonly #batch: number;
  readonly #groups: readonly Entry[][];
  readonly #isSmallest: boolean;

  constructor(batch: number, groups: readonly Entry[][], { batches }: Settings) {
    this.#batch = batch;
    this.#groups = groups;
    this.#isSmallest = batch === Math.min(...batches);
  }

  /** The contestant's turns in each group. */
  #turnsOf(entry: Entry): (Turns | undefined)[] {
    return this.#groups.map((_, group) => entry.turns({ group, batch: this.#batch }));
  }

  #alone({ alone: { before, after } }: Entry, { medians }: Turns): Alone | null {
    return this.#isSmallest ? compareWithAlone(medians, before.medians, after.medians) : null;
  }

  #measured(entry: Entry, turns: Turns): Contestant {
    const { spec, precision, versions, parity } = entry;
    return {
      ...{ name: spec.name, precision, versions, status: 'measured', reason: null, parity },
      ...figures(turns, this.#batch),
      ...{ oursSeconds: null, ratio: null, alone: this.#alone(entry, turns) },
    };
  }

  /** This may be fewer than requested if the rounds were interrupted. */
  rounds(entry: Entry): number {
    return Math.max(0, ...this.#turnsOf(entry).map((turns) => turns?.medians.length ?? 0));
  }

  /**
   * Undefined if it had no turn and has not failed, which happens when the comparison was
   * interrupted.
   */
  ours(entry: Entry): Contestant | undefined {
    const turns = joinTurns(this.#turnsOf(entry).filter((one) => one !== undefined));
    if (turns.medians.length > 0) return this.#measured(entry, turns);
    return entry.failure && absent(entry);
  }

  /** A peer, compared with one of ours in the same rounds. */
  peer(entry: Entry, ours: Entry): Contestant | undefined {
    const group = this.#turnsOf(entry).findIndex((turns) => turns !== undefined);
    const turns = this.#turnsOf(entry)[group];
    if (turns === undefined) return entry.failure && absent(entry);
    const own = this.#turnsOf(ours)[group]?.medians ?? null;
    const ranked = own !== null && entry.parity?.passed === true;
    const ratio = ranked ? pairedRatio(own, turns.medians) : null;
    return { ...this.#measured(entry, turns), oursSeconds: own, ratio };
  }
}

function comparisonsOf(
  ours: readonly Entry[],
  peers: readonly Entry[],
  groups: readonly Entry[][],
  settings: Settings,
): Comparison[] {
  const { model, device, threads, batches } = settings;
  const names = groups.map((group) => group.map(({ spec }) => spec.name));
  return ours.flatMap((one) =>
    batches.flatMap((batch) => {
      const results = new Results(batch, groups, settings);
      const own = results.ours(one);
      if (own === undefined) return [];
      const rounds = results.rounds(one);
      const met = peers.filter((peer) => meets(one, peer));
      const contestants = [own, ...met.flatMap((peer) => results.peer(peer, one) ?? [])];
      return { model, device, threads, batch, rounds, contestants, groups: names };
    }),
  );
}

/**
 * Runs all of ours and all peers in turns. If one fails, the failure is its result. Returns a
 * comparison for each of ours at each batch size. When `settings.signal` aborts, it covers the
 * rounds that were finished.
 */
export async function compareAll(
  ours: readonly PeerSpec[],
  peers: readonly PeerSpec[],
  settings: Settings,
): Promise<Comparison[]> {
  const own = ours.map((spec) => new Entry(spec));
  const others = peers.map((spec) => new Entry(spec));
  const all = [...own, ...others];
  const groups: Entry[][] = [];
  try {
    await timeAlone(all, 'before', settings);
    await playGroups({ ours: own, peers: others, groups }, settings);
    await timeAlone(all, 'after', settings);
  } catch (error) {
    if (!settings.signal.aborted) throw error;
  }
  return comparisonsOf(own, others, groups, settings);
}
