// A language model in a separate process: this project's, or transformers' in PyTorch.
import { fileURLToPath } from 'node:url';
import type { Tokens } from '#lib/native';
import { PeerProcess } from './peers/process.mts';
import type { Opened } from './peers/protocol.mts';
import type { Stoppable } from './peers/turn-taking.mts';
import type { Workload } from './text-workloads.mts';

export interface TextTurn {
  seconds: number[];
  /** How many texts ran in one batch. */
  batch: number;
}

export interface TextModel extends Opened {
  threads: number;
}

/** What this project's model additionally reports. */
export interface OurModel extends TextModel {
  kernels: readonly string[];
  load: { seconds: number; peakMemoryBytes: number };
}

export interface TextSpec {
  name: string;
  /** The program and its arguments. */
  command: readonly string[];
  /** The checkpoint's folder, or for ours, the engine file. */
  model: string;
  precision: string;
  threads: number;
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export function ourSpec(file: string, threads: number): TextSpec {
  const command = [process.execPath, '--import', 'tsx', here('ours-text.mts')];
  return { name: 'llm2clip', command, model: file, precision: 'bf16', threads };
}

export function pytorchSpec(
  precision: string,
  { checkpoint, threads, python }: { checkpoint: string; threads: number; python: string },
): TextSpec {
  const command = [python, here('peers/text.py')];
  return { name: `PyTorch ${precision}`, command, model: checkpoint, precision, threads };
}

/** Converts texts to the form that the protocol carries. */
function plain(texts: readonly Tokens[]) {
  return { texts: texts.map(({ ids, pooled }) => ({ ids: [...ids], pooled })) };
}

export class TextContestant<Model extends TextModel = TextModel> implements Stoppable {
  readonly name: string;
  readonly opened: Model;
  readonly #process: PeerProcess;

  private constructor(name: string, opened: Model, process: PeerProcess) {
    this.name = name;
    this.opened = opened;
    this.#process = process;
  }

  /** Starts the process and opens its model. @throws PeerMissing, PeerFailed */
  static async start<Model extends TextModel = TextModel>({
    name,
    command,
    ...request
  }: TextSpec): Promise<TextContestant<Model>> {
    const peer = new PeerProcess(name, command);
    try {
      const reply = await peer.ask<Model & { ok: true }>({ op: 'open', ...request });
      const { ok: _, ...opened } = reply;
      return new TextContestant(name, opened as unknown as Model, peer);
    } catch (error) {
      await peer.kill();
      throw error;
    }
  }

  async embed(texts: readonly Tokens[]): Promise<Float32Array[]> {
    const request = { op: 'embed', ...plain(texts) };
    const { embeddings } = await this.#process.ask<{ embeddings: number[][] }>(request);
    return embeddings.map((one) => Float32Array.from(one));
  }

  /** Runs a workload once without timing and then times it. */
  run(workload: string, { texts, repeat }: Workload): Promise<TextTurn> {
    const request = { op: 'run', workload, ...plain(texts), repeat };
    return this.#process.ask(request);
  }

  /** The peak memory of the process so far. Only ours reports it. */
  async peakMemoryBytes(): Promise<number> {
    const request = { op: 'memory' };
    return (await this.#process.ask<{ peakMemoryBytes: number }>(request)).peakMemoryBytes;
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }

  resume(): void {
    this.#process.resume();
  }

  close(): Promise<void> {
    return this.#process.close();
  }
}
