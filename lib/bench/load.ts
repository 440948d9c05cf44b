import type { Clock } from './clock';
import type { Answer, Recorder } from './recorder';

/** The time of a query's answer, and its outcome. */
export type Answered = Omit<Answer, 'due'>;

/** Sends the i-th query. It resolves when the answer is reported, which may be after it arrived. */
export type Send = (index: number) => Promise<Answered>;

/** Adds the time and the outcome to queries of this process when their promises settle. */
export function stamped(clock: Clock, ask: (index: number) => Promise<unknown>): Send {
  return async (index) => {
    let outcome = 'done';
    try {
      await ask(index);
    } catch (error) {
      const { code, name } = error as { code?: unknown; name?: unknown };
      outcome = String(code ?? name ?? 'ERR_INTERNAL');
    }
    return { finished: clock.now(), outcome };
  };
}

/** Limits that end a run. */
export interface Limits {
  warmUpMs: number;
  minQueries: number;
  minMs: number;
  /** A run ends after this time even if it is not stable. */
  maxMs: number;
}

export interface LoadOptions {
  clock: Clock;
  recorder: Recorder;
  send: Send;
  limits: Limits;
  signal?: AbortSignal | undefined;
}

async function answer({ recorder, send }: LoadOptions, index: number, due: number): Promise<void> {
  recorder.record({ due, ...(await send(index)) });
}

function isEnough({ recorder, limits }: LoadOptions, now: number, ownPace: boolean): boolean {
  const took = now - recorder.started;
  if (took < limits.minMs || recorder.answered < limits.minQueries) return took >= limits.maxMs;
  return recorder.isStable(ownPace) || took >= limits.maxMs;
}

/** Runs concurrent callers. Each sends its next query as soon as it has its answer. */
export async function closedLoop(options: LoadOptions, concurrency: number): Promise<void> {
  const { clock, recorder, limits, signal } = options;
  const begin = clock.now();
  let next = 0;
  let warm = false;
  let ended = false;
  const caller = async () => {
    while (!ended && !signal?.aborted) {
      const due = clock.now();
      if (!warm && due - begin >= limits.warmUpMs && next >= concurrency) {
        warm = true;
        recorder.start(due);
      }
      await answer(options, next++, due);
      ended ||= warm && isEnough(options, clock.now(), true);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  signal?.throwIfAborted();
}

/**
 * Sends queries at given times, whether or not earlier ones are answered. Latency counts from the
 * time when a query was due, so that a system that falls behind cannot hide it (no coordinated
 * omission).
 *
 * @param gaps returns the milliseconds from one query to the next
 */
export async function openLoop(options: LoadOptions, gaps: () => number): Promise<void> {
  const { clock, recorder, limits, signal } = options;
  const begin = clock.now();
  const pending = new Set<Promise<void>>();
  let due = begin;
  let warm = false;
  for (let index = 0; !signal?.aborted; index++) {
    due += gaps();
    await clock.sleepUntil(due, signal);
    // A run has at least one query, even if the clock is already past its end.
    if (warm) {
      if (isEnough(options, clock.now(), false)) break;
    } else if (due - begin >= limits.warmUpMs) {
      warm = true;
      recorder.start(due);
    }
    const one = answer(options, index, due);
    pending.add(one);
    void one.then(() => pending.delete(one));
  }
  await Promise.all(pending);
  signal?.throwIfAborted();
}

/** Returns the gaps of a Poisson process with an average of `perSecond` queries per second. */
export function poisson(perSecond: number, random: () => number): () => number {
  return () => (-Math.log(1 - random()) * 1000) / perSecond;
}
