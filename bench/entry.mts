// What is known of one contestant from the beginning of a comparison to its end.
import { compareEmbeddings } from '#lib/bench/parity';
import type { Parity } from '#lib/bench/record';
import { median } from '#lib/bench/statistics';
import type { PixelFile, Runner } from './contestants.mts';
import type { PeerSpec } from './peers/peer.mts';

export interface Settings {
  model: string;
  device: string;
  threads: number;
  batches: readonly number[];
  rounds: number;
  /** Each contestant's turns as the only one that is open, before the others are and again after. */
  aloneTurns: number;
  pixels: PixelFile;
  /** Embeddings in fp32 that parity is to; of the first pictures of `pixels`. */
  reference: Float32Array[];
  signal: AbortSignal;
  open: (spec: PeerSpec) => Promise<Runner>;
  /** Bytes that further contestants may take. */
  availableMemory: () => number;
  onStage: (what: string) => void;
  /** A contestant is missing, or has failed. */
  onAbsent: (spec: PeerSpec, reason: string) => void;
}

/** What one contestant did in some of its turns. */
export interface Turns {
  /** A value a turn. */
  medians: number[];
  all: number[];
  eventLoopDelayMaxMs: number | null;
}

export function noTurns(): Turns {
  return { medians: [], all: [], eventLoopDelayMaxMs: null };
}

/** A turn lasts about this long at the least: short runs are repeated. */
const LEAST_TURN_SECONDS = 0.1;

export async function takeTurn(runner: Runner, batch: number, round: number): Promise<Turns> {
  const turn = { offset: round * batch, batch, leastSeconds: LEAST_TURN_SECONDS };
  const { seconds, eventLoopDelayMaxMs } = await runner.run(turn);
  return { medians: [median(seconds)], all: seconds, eventLoopDelayMaxMs };
}

export function joinTurns(turns: readonly Turns[]): Turns {
  const delays = turns.flatMap(({ eventLoopDelayMaxMs }) => eventLoopDelayMaxMs ?? []);
  return {
    medians: turns.flatMap(({ medians }) => medians),
    all: turns.flatMap(({ all }) => all),
    eventLoopDelayMaxMs: delays.length === 0 ? null : Math.max(...delays),
  };
}

/** A batch size in one of the groups of contestants that were open at once. */
export interface Heat {
  group: number;
  batch: number;
}

const keyOf = ({ group, batch }: Heat) => `${group} ${batch}`;

export class Entry {
  readonly spec: PeerSpec;
  versions: Readonly<Record<string, string>> = {};
  /** Of what really runs. */
  precision: string;
  /** Null until it has embedded the reference's pictures. */
  parity: Parity | null = null;
  /** Why it cannot take part, or not any more. */
  failure: Error | undefined;
  peakMemoryBytes: number | null = null;
  readonly alone = { before: noTurns(), after: noTurns() };
  readonly #turns = new Map<string, Turns>();

  constructor(spec: PeerSpec) {
    this.spec = spec;
    this.precision = spec.open.precision;
  }

  /** What a runner of it says of itself. */
  meet({ versions, precision }: Runner): void {
    this.versions = versions;
    this.precision = precision;
  }

  compare(found: Float32Array[], { reference }: Settings): void {
    const { precision } = this.spec.open;
    this.parity = compareEmbeddings(found, reference, { precision, reference: 'llm2clip fp32' });
  }

  noteMemory(runner: Runner): void {
    this.peakMemoryBytes = runner.peakMemoryBytes() ?? this.peakMemoryBytes;
  }

  turns(heat: Heat): Turns | undefined {
    return this.#turns.get(keyOf(heat));
  }

  setTurns(heat: Heat, turns: Turns): void {
    this.#turns.set(keyOf(heat), turns);
  }
}
