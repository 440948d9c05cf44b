// All contestants open at once, or, where memory does not hold them, ours beside one group of peers
// after the other.
import type { Runner } from './contestants.mts';
import { type Entry, type Settings, takeTurn } from './entry.mts';
import { TurnTaking } from './peers/turn-taking.mts';
import { type Player, playRounds, unlessFailing } from './rounds.mts';

export interface Company {
  ours: readonly Entry[];
  peers: readonly Entry[];
  /** Filled with those that were open at once. */
  groups: Entry[][];
}

/** Left to the system, and to what a contestant takes beyond its peak of before. */
const RESERVED_BYTES = 2 * 2 ** 30;
/** Of the largest one so far, where nothing is known of the next one. */
const UNKNOWN_SHARE = 1.5;

/** Contestants that are open, all but one of them stopped. */
class Open {
  readonly players: Player[] = [];
  readonly #turnTaking = new TurnTaking();
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Whether one more can be opened without another losing its memory. */
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
        await runner.close().catch(() => {}); // it is killed where it does not end
        throw error;
      }
      this.players.push({ entry, runner });
    });
  }

  /** Its memory is taken, and what it does in a shape's first run is done, before any round. */
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

/** Opens ours and as many of `waiting` as there is room for, one at the least, and lets them play. */
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

/** Until each peer that has not failed has had its turns; without peers, ours alone. */
export async function playGroups(
  { ours, peers, groups }: Company,
  settings: Settings,
): Promise<void> {
  const waiting = peers.filter(({ failure }) => failure === undefined);
  do await playGroup(ours, waiting, groups, settings);
  while (waiting.length > 0);
}
