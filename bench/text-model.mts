// A language model with synthetic weights: its checkpoint, its engine file, and both in use.
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { readCheckpoint } from '#lib/checkpoint/read';
import { openEngine } from '#lib/engine';
import { FOR_CPU, fromNative, type NativeSession, type Tokens } from '#lib/native';
import type { Precision } from '#lib/precision';
import { cacheFolder } from '#lib/runtime/cache';
import { LLAMAS, type LlamaPreset, writeSyntheticLlama } from '../tools/synthetic/text-towers.mts';

const MAX_TOKENS = 2048;

/** The folder of a checkpoint in bf16, made once and kept in the user's cache. */
export async function checkpointFolder(preset: LlamaPreset): Promise<string> {
  const folder = join(cacheFolder(), 'bench', preset);
  if (existsSync(folder)) return folder;
  const making = `${folder}-${process.pid}`;
  await mkdir(making, { recursive: true });
  await writeSyntheticLlama(making, preset, { dtype: 'bf16', seed: 1 });
  await rename(making, folder);
  return folder;
}

export async function buildEngine(
  checkpoint: string,
  preset: LlamaPreset,
  precision: Precision,
  output: string,
): Promise<void> {
  const { tensors } = await readCheckpoint(join(checkpoint, 'model.safetensors'));
  const engine = await openEngine('torchscript');
  const config = { family: 'llama', maxTokens: MAX_TOKENS, ...LLAMAS[preset] } as const;
  const weights = tensors.map((entry) => ({ name: entry.name.replace(/^model\./, ''), entry }));
  const plain = { portable: false, observe: false, quantisation: [], ...FOR_CPU };
  await fromNative(engine.build({ config, weights, precision, output, ...plain }));
}

/** A model that encodes texts, all that it is given as fast as it can. */
export class TextModel {
  readonly #session: NativeSession;
  #asked = 0;

  private constructor(session: NativeSession) {
    this.#session = session;
  }

  static async open(file: string, preset: LlamaPreset, threads: number): Promise<TextModel> {
    const engine = await openEngine('torchscript');
    const serving = { threads, maxBatch: 64, maxQueue: 1024, maxDelayMs: 0 };
    const input = { maxTokens: MAX_TOKENS, maxTokensPerBatch: MAX_TOKENS, computeCapabilities: [] };
    const spec = { key: file, file, cache: '', device: 'cpu', ...serving, ...input };
    return new TextModel(
      await fromNative(engine.open({ ...spec, embeddingDim: LLAMAS[preset].width })),
    );
  }

  get info(): NativeSession['info'] {
    return this.#session.info;
  }

  /** A feature a text, not normalised. */
  encode(texts: readonly Tokens[]): Promise<Float32Array[]> {
    const how = { borrowed: true, priority: 0, timeoutMs: undefined, waits: true };
    const where = { normalize: false, out: undefined, outOffset: 0 };
    const features = texts.map((text) => {
      this.#asked += 1;
      return fromNative(this.#session.encode(this.#asked, text, { ...how, ...where }));
    });
    this.#session.wake();
    return Promise.all(features);
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}
