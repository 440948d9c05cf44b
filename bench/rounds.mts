// Open contestants take turns. The order changes in each round, so that other load on the machine
// affects all of them equally. One runs at a time, and the others are stopped.
import type { Runner } from './contestants.mts';
import { type Entry, type Heat, joinTurns, type Settings, type Turns, takeTurn } from './entry.mts';
import type { TurnTaking } from './peers/turn-taking.mts';

export interface Player {
  entry: Entry;
  runner: Runner;
}

/** A contestant that fails is excluded. The others continue. */
export async function unlessFailing(
  entry: Entry,
  { signal, onAbsent }: Settings,
  body: () => Promise<void>,
): Promise<void> {
  try {
    signal.throwIfAborted();
    await body();
  } catch (error) {
    signal.throwIfAborted(); // the abort may have ended it
    entry.failure = error as Error;
    onAbsent(entry.spec, entry.failure.message);
  }
}

/** Gives a turn to each contestant that has not failed, in this order. */
async function playRound(
  players: readonly Player[],
  turnTaking: TurnTaking,
  settings: Settings,
  { batch, round }: { batch: number; round: number },
): Promise<Map<Player, Turns>> {
  const played = new Map<Player, Turns>();
  for (const player of players.filter(({ entry }) => entry.failure === undefined)) {
    await unlessFailing(player.entry, settings, async () => {
      await turnTaking.giveTo(player.runner);
      played.set(player, await takeTurn(player.runner, batch, round));
    });
  }
  return played;
}

/**
 * Runs all rounds of one batch size. A contestant that fails in one of them keeps no results. When
 * `settings.signal` aborts, finished rounds are kept.
 */
export async function playRounds(
  players: readonly Player[],
  turnTaking: TurnTaking,
  settings: Settings,
  heat: Heat,
): Promise<void> {
  const rounds: Map<Player, Turns>[] = [];
  const order = [...players];
  try {
    for (let round = 0; round < settings.rounds; round++) {
      if (order.every(({ entry }) => entry.failure !== undefined)) break;
      settings.onStage(`batch ${heat.batch}, round ${round + 1} of ${settings.rounds}`);
      const place = { batch: heat.batch, round };
      rounds.push(await playRound(order, turnTaking, settings, place));
      order.push(order.shift() as Player);
    }
  } finally {
    for (const player of rounds.length === 0 ? [] : players) {
      const turns = rounds.flatMap((round) => round.get(player) ?? []);
      if (turns.length === rounds.length) player.entry.setTurns(heat, joinTurns(turns));
    }
  }
}
