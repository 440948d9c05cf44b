// What is known about one contestant during a comparison.
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
  /** How many turns each contestant has alone, before the comparison and again after it. */
  aloneTurns: number;
  pixels: PixelFile;
  /** Embeddings in fp32 of the first images in `pixels`, the reference for parity. */
  reference: Float32Array[];
  signal: AbortSignal;
  open: (spec: PeerSpec) => Promise<Runner>;
  /** Bytes that further contestants may use. */
  availableMemory: () => number;
  onStage: (what: string) => void;
  /** Called when a contestant is missing or has failed. */
  onAbsent: (spec: PeerSpec, reason: string) => void;
}

/** The results of some of a contestant's turns. */
export interface Turns {
  /** One value per turn. */
  medians: number[];
  all: number[];
  eventLoopDelayMaxMs: number | null;
}

export function noTurns(): Turns {
  return { medians: [], all: [], eventLoopDelayMaxMs: null };
}

/** The minimum duration of a turn. Shorter runs are repeated. */
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

/** One batch size in one group of contestants that were open at once. */
export interface Heat {
  group: number;
  batch: number;
}

const keyOf = ({ group, batch }: Heat) => `${group} ${batch}`;

export class Entry {
  readonly spec: PeerSpec;
  versions: Readonly<Record<string, string>> = {};
  /** The precision that the engine really uses. */
  precision: string;
  /** Null until the contestant has embedded the reference's images. */
  parity: Parity | null = null;
  /** Why the contestant does not or no longer take part. */
  failure: Error | undefined;
  peakMemoryBytes: number | null = null;
  readonly alone = { before: noTurns(), after: noTurns() };
  readonly #turns = new Map<string, Turns>();

  constructor(spec: PeerSpec) {
    this.spec = spec;
    this.precision = spec.open.precision;
  }

  /** Stores what its runner reports. */
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
