// Opens all contestants at once. If memory does not suffice, opens ours with one group of peers
// after another.
import type { Runner } from './contestants.mts';
import { type Entry, type Settings, takeTurn } from './entry.mts';
import { TurnTaking } from './peers/turn-taking.mts';
import { type Player, playRounds, unlessFailing } from './rounds.mts';

export interface Company {
  ours: readonly Entry[];
  peers: readonly Entry[];
  /** The contestants of each group that was open at once are added here. */
  groups: Entry[][];
}

/** Memory for the system, and for what a contestant takes beyond its earlier peak. */
const RESERVED_BYTES = 2 * 2 ** 30;
/** For a contestant of unknown size, the largest peak so far is multiplied by this. */
const UNKNOWN_SHARE = 1.5;

/** The open contestants. All but one of them are stopped. */
class Open {
  readonly players: Player[] = [];
  readonly #turnTaking = new TurnTaking();
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** True when one more can be opened without another one being swapped out. */
  hasRoomFor({ peakMemoryBytes }: Entry): boolean {
    const known = this.players.map(({ entry }) => entry.peakMemoryBytes ?? 0);
    const needed = peakMemoryBytes ?? UNKNOWN_SHARE * Math.max(0, ...known);
    return this.#settings.availableMemory() >= needed + RESERVED_BYTES;
  }

  async add(entry: Entry): Promise<void> {
    this.#settings.onStage(`opening ${entry.spec.name}`);
    await unlessFailing(entry, this.#settings, async () => {
      const runner = await this.#turnTaking.open(() => this.#settings.open(entry.spec));
      try {
        await this.#settle(entry, runner);
      } catch (error) {
        await runner.close().catch(() => {}); // close() kills it if it does not end
        throw error;
      }
      this.players.push({ entry, runner });
    });
  }

  /**
   * Runs each shape once before the first round, so that memory is allocated and caches are filled.
   */
  async #settle(entry: Entry, runner: Runner): Promise<void> {
    entry.meet(runner);
    if (entry.parity === null) {
      entry.compare(await runner.embed(this.#settings.reference.length), this.#settings);
    }
    for (const batch of this.#settings.batches) await takeTurn(runner, batch, 0);
    entry.noteMemory(runner);
  }

  async play(group: number): Promise<void> {
    for (const batch of this.#settings.batches) {
      await playRounds(this.players, this.#turnTaking, this.#settings, { group, batch });
    }
  }

  async close(): Promise<void> {
    for (const { runner } of this.players) await runner.close().catch(() => {});
  }
}

/** Opens ours and as many of `waiting` as memory allows, but at least one, and runs all rounds. */
async function playGroup(
  ours: readonly Entry[],
  waiting: Entry[],
  groups: Entry[][],
  settings: Settings,
): Promise<void> {
  const open = new Open(settings);
  try {
    for (const entry of ours.filter(({ failure }) => failure === undefined)) await open.add(entry);
    do {
      const next = waiting.shift();
      if (next !== undefined) await open.add(next);
    } while (waiting[0] !== undefined && open.hasRoomFor(waiting[0]));
    groups.push(open.players.map(({ entry }) => entry));
    await open.play(groups.length - 1);
  } finally {
    await open.close();
  }
}

/**
 * Runs groups until every peer that has not failed has had its turns. Without peers, ours runs
 * alone.
 */
export async function playGroups(
  { ours, peers, groups }: Company,
  settings: Settings,
): Promise<void> {
  const waiting = peers.filter(({ failure }) => failure === undefined);
  do await playGroup(ours, waiting, groups, settings);
  while (waiting.length > 0);
}
