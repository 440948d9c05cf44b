// Times each contestant while it is the only one open, to check that the others do not slow it
// down.
import { type Entry, joinTurns, type Settings, takeTurn } from './entry.mts';
import { unlessFailing } from './rounds.mts';

async function timeOne(entry: Entry, phase: 'before' | 'after', settings: Settings) {
  const { aloneTurns, batches } = settings;
  const batch = Math.min(...batches);
  const runner = await settings.open(entry.spec);
  try {
    entry.meet(runner);
    await takeTurn(runner, batch, 0); // the first turn allocates
    const turns = [];
    for (let i = 0; i < aloneTurns; i++) {
      settings.signal.throwIfAborted();
      turns.push(await takeTurn(runner, batch, i));
    }
    entry.alone[phase] = joinTurns(turns);
    entry.noteMemory(runner);
  } finally {
    await runner.close().catch(() => {}); // close() kills it if it does not end
  }
}

/**
 * Times the contestants one after another at the smallest batch size. One that fails before the
 * comparison does not take part in it. One that fails after it keeps its results.
 */
export async function timeAlone(
  entries: readonly Entry[],
  phase: 'before' | 'after',
  settings: Settings,
): Promise<void> {
  if (settings.aloneTurns === 0) return;
  for (const entry of entries.filter(({ failure }) => failure === undefined)) {
    settings.onStage(`${entry.spec.name}, alone`);
    await unlessFailing(entry, settings, () => timeOne(entry, phase, settings));
  }
}
