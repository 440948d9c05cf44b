// Compares this project's language model with transformers' in PyTorch. They take turns, and the
// other's process is stopped.
import { type Interval, median, pairedRatio } from '#lib/bench/statistics';
import { cosine, GATES } from '#lib/eval/parity';
import type { Opened } from './peers/protocol.mts';
import { TurnTaking } from './peers/turn-taking.mts';
import {
  type OurModel,
  ourSpec,
  pytorchSpec,
  TextContestant,
  type TextTurn,
} from './text-contestants.mts';
import { PARITY_TEXTS, tokensOf, workload } from './text-workloads.mts';

export interface Settings {
  /** The folder of the checkpoint. */
  checkpoint: string;
  workloads: readonly string[];
  rounds: number;
  /** The upper limit. The peer may use fewer threads if that is faster. */
  threads: number;
  python: string;
}

export interface Result {
  workload: string;
  texts: number;
  tokens: number;
  /** One value per round. */
  seconds: number[];
  tokensPerSecond: number;
  peerSeconds?: number[];
  peerTokensPerSecond?: number;
  /** The batch size that was fastest for the peer. */
  peerBatch?: number;
  /** Our speed divided by the peer's. Absent if the peer's features differ. */
  ratio?: Interval;
}

export interface Comparison {
  /** Null if ours ran alone. */
  peer: (Opened & { name: string; threads: number }) | null;
  /** The lowest cosine between our features and the peer's. */
  minCosine?: number;
  passed?: boolean;
  results: Result[];
}

/** Ours and a peer, of which one runs at a time. Ours stays open for the next peer. */
export class TextComparison {
  readonly #settings: Settings;
  readonly #turnTaking = new TurnTaking();
  readonly #ours: TextContestant<OurModel>;

  private constructor(ours: TextContestant<OurModel>, settings: Settings) {
    this.#ours = ours;
    this.#settings = settings;
  }

  /** @param file - the file of our engine */
  static async open(file: string, settings: Settings): Promise<TextComparison> {
    const ours = await TextContestant.start<OurModel>(ourSpec(file, settings.threads));
    return new TextComparison(ours, settings);
  }

  get ours(): OurModel {
    return this.#ours.opened;
  }

  async runAlone(): Promise<Comparison> {
    return { peer: null, results: await this.#allTurns(null) };
  }

  /** @throws PeerMissing, PeerFailed */
  async compareWithPyTorch(precision: string): Promise<Comparison> {
    const spec = pytorchSpec(precision, this.#settings);
    const found = await this.#embed(this.#ours);
    const peer = await this.#turnTaking.open(() => TextContestant.start(spec));
    try {
      const expected = await this.#embed(peer);
      const cosines = found.map((one, i) => cosine(one, expected[i] as Float32Array));
      const minCosine = Math.min(...cosines);
      const passed = minCosine >= GATES.bf16;
      console.error(`${peer.name}: cosine ${minCosine}`);
      const results = await this.#allTurns(peer);
      return {
        ...{ peer: { name: peer.name, ...peer.opened }, minCosine, passed },
        results: passed ? results : results.map(({ ratio: _, ...rest }) => rest),
      };
    } finally {
      await peer.close();
    }
  }

  /** Closes ours and returns its peak memory. */
  async close(): Promise<number> {
    await this.#turnTaking.giveTo(this.#ours);
    const peak = await this.#ours.peakMemoryBytes();
    await this.#ours.close();
    return peak;
  }

  async #embed(contestant: TextContestant): Promise<Float32Array[]> {
    await this.#turnTaking.giveTo(contestant);
    return contestant.embed(PARITY_TEXTS);
  }

  async #allTurns(peer: TextContestant | null): Promise<Result[]> {
    const results: Result[] = [];
    for (const name of this.#settings.workloads) {
      results.push(await this.#takeTurns(peer, name));
      console.error(JSON.stringify(results.at(-1)));
    }
    return results;
  }

  async #takeTurns(peer: TextContestant | null, name: string): Promise<Result> {
    const work = workload(name);
    const order = [this.#ours, ...(peer === null ? [] : [peer])];
    const turns = new Map<TextContestant, TextTurn[]>(order.map((one) => [one, []]));
    for (let round = 0; round < this.#settings.rounds; round++) {
      for (const contestant of order) {
        await this.#turnTaking.giveTo(contestant);
        turns.get(contestant)?.push(await contestant.run(name, work));
      }
      order.reverse();
    }
    const secondsOf = (one: TextContestant) =>
      (turns.get(one) ?? []).map((turn) => median(turn.seconds));
    const tokens = tokensOf(work);
    const seconds = secondsOf(this.#ours);
    const own = { workload: name, texts: work.texts.length, tokens, seconds };
    const rate = { tokensPerSecond: tokens / median(seconds) };
    if (peer === null) return { ...own, ...rate };
    const peerSeconds = secondsOf(peer);
    const [first] = turns.get(peer) as [TextTurn, ...TextTurn[]];
    return {
      ...{ ...own, ...rate, peerSeconds, peerTokensPerSecond: tokens / median(peerSeconds) },
      ...{ peerBatch: first.batch, ratio: pairedRatio(seconds, peerSeconds) },
    };
  }
}
