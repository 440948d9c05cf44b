import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readCheckpoint } from '#lib/checkpoint/read';
import { type EngineKind, openEngine } from '#lib/engines/index';
import {
  type BuildSpec,
  type EncodeSpec,
  FOR_CPU,
  fromNative,
  type Input,
  type NativeEngine,
  type NativeSession,
  type SessionParts,
  type TowerConfig,
} from '#lib/native';
import type { Precision } from '#lib/precision';
import {
  ADAPTERS,
  type AdapterPreset,
  adapterTensors,
  LLAMAS,
  type LlamaPreset,
  writeSyntheticAdapter,
  writeSyntheticLlama,
} from '../../tools/synthetic/text-towers.mts';
import { ENGINE } from './device.mts';
import { once } from './once.mts';

/** A golden that tools/make-text-goldens.py writes. */
export interface TextGolden {
  seed: number;
  texts?: { ids: number[]; pooled: number; embedding: number[] }[];
  features?: { feature: number[]; embedding: number[] }[];
}

export type TextPreset = LlamaPreset | AdapterPreset;

/** The presets that have goldens. */
export const TEXT_PRESETS = [
  'llama-tiny',
  'llama-tiny-scaled',
  'llama-tiny-outliers',
  'adapter-tiny',
  'adapter-tiny-siglip2',
] as const satisfies readonly TextPreset[];

/** `maxTokens` of the engines that tests build; more than the longest golden. */
export const MAX_TOKENS = 2048;

export function readTextGolden(preset: TextPreset): TextGolden {
  const path = new URL(`../fixtures/goldens/${preset}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')) as TextGolden;
}

/** Returns the inputs of a golden with the expected embeddings. */
export function goldenCases(preset: TextPreset): { input: Input; embedding: number[] }[] {
  const { texts = [], features = [] } = readTextGolden(preset);
  return [
    ...texts.map(({ ids, pooled, embedding }) => {
      return { input: { ids: Int32Array.from(ids), pooled }, embedding };
    }),
    ...features.map(({ feature, embedding }) => {
      return { input: { feature: Float32Array.from(feature) }, embedding };
    }),
  ];
}

export function isLlama(preset: TextPreset): preset is LlamaPreset {
  return preset in LLAMAS;
}

type Weights = BuildSpec['weights'];

async function llamaWeights(folder: string, preset: LlamaPreset): Promise<Weights> {
  const path = await writeSyntheticLlama(folder, preset, { dtype: 'f32', seed: 1 });
  const { tensors } = await readCheckpoint(path);
  return tensors.map((entry) => ({ name: entry.name.replace(/^model\./, ''), entry }));
}

async function adapterWeights(folder: string, preset: AdapterPreset): Promise<Weights> {
  const path = await writeSyntheticAdapter(folder, preset, { dtype: 'f32', seed: 1 });
  const { tensors } = await readCheckpoint(path);
  const named = adapterTensors(ADAPTERS[preset]);
  return tensors.map((entry) => {
    const found = named.find(({ name }) => entry.name.endsWith(`text_adaptor.${name}`));
    return { name: found?.canonical ?? entry.name, entry };
  });
}

/** Resolves a tower from a checkpoint, which it writes to `folder` once. */
export const textTower = once(async (folder: string, preset: TextPreset) => {
  const config: TowerConfig = isLlama(preset)
    ? { family: 'llama', maxTokens: MAX_TOKENS, ...LLAMAS[preset] }
    : { family: 'adapter', ...ADAPTERS[preset] };
  const weights = await (isLlama(preset)
    ? llamaWeights(folder, preset)
    : adapterWeights(folder, preset));
  return { config, weights };
});

/** The kind of engine under test that a file is of. Only TorchScript has a portable flavour. */
function kindOf({ portable }: { portable: boolean }): EngineKind {
  return portable ? 'torchscript' : (ENGINE ?? 'torchscript');
}

/** Opens the engine that buildTextEngine() wrote these files with. */
function engineOfFiles(files: readonly string[]): Promise<NativeEngine> {
  return openEngine(kindOf({ portable: files.some((file) => file.includes('portable')) }));
}

/** Builds an engine file in `folder`. */
export async function buildTextEngine(
  folder: string,
  tower: Pick<BuildSpec, 'config' | 'weights'>,
  { precision, portable, kind }: { precision: Precision; portable: boolean; kind?: EngineKind },
): Promise<string> {
  const output = join(folder, `${precision}-${portable ? 'portable' : 'native'}.pt`);
  await rm(output, { force: true }); // An engine file never replaces another.
  const engine = await openEngine(kind ?? kindOf({ portable }));
  const plain = { observe: false, quantisation: [], ...FOR_CPU };
  await fromNative(engine.build({ ...tower, precision, portable, output, ...plain }));
  return output;
}

/** One part alone, as a session: a language model's gives features. */
export async function openTextEngine(
  file: string,
  preset: TextPreset,
  options: TextServing = {},
): Promise<NativeSession> {
  return openTextParts([{ file, preset }], options);
}

export interface TextServing {
  threads?: number;
  maxBatch?: number;
  /** Of the adapter; default `maxBatch`. */
  adapterBatch?: number;
  maxQueue?: number;
  maxTokensPerBatch?: number;
}

/** A language model and an adapter on one thread, or one of them. */
export async function openTextParts(
  files: readonly { file: string; preset: TextPreset }[],
  options: TextServing = {},
): Promise<NativeSession> {
  const engine = await engineOfFiles(files.map(({ file }) => file));
  const { threads = 2, maxQueue = 64, maxTokensPerBatch = 4096 } = options;
  const { maxBatch = 16, adapterBatch = maxBatch } = options;
  const parts: SessionParts = {};
  for (const { file, preset } of files) {
    const part = { file, cache: '' };
    if (isLlama(preset)) {
      const { width: dim } = LLAMAS[preset];
      const sizes = { maxBatch, maxTokens: MAX_TOKENS, maxTokensPerBatch };
      parts.llm = { ...part, dim, ...sizes };
    } else {
      const { width, embeddingDim: dim } = ADAPTERS[preset];
      parts.adapter = { ...part, dim, width, maxBatch: adapterBatch };
    }
  }
  const serving = { threads, maxQueue, maxDelayMs: 0, device: 'cpu' };
  const key = JSON.stringify([files, options]);
  return fromNative(engine.open({ key, computeCapabilities: [], ...serving, ...parts }));
}

/** What an engine file gives of each input alone, as it is: a language model's feature not rounded. */
export async function embedRaw(file: string, inputs: readonly Input[]): Promise<Float32Array[]> {
  const engine = await engineOfFiles([file]);
  return Promise.all(
    inputs.map((input) => {
      if (!('ids' in input)) throw new TypeError('expected a text');
      const spec = { file, maxTokens: MAX_TOKENS, threads: 2, texts: [input] };
      return fromNative(engine.embed(spec));
    }),
  );
}

let nextId = 0;

/** Encodes inputs together, without normalisation. Texts are encoded to the embedding if there is an adapter. */
export async function encodeAll(
  session: NativeSession,
  inputs: readonly Input[],
  output: EncodeSpec['output'] = session.info.adapter ? 'embedding' : 'feature',
): Promise<PromiseSettledResult<Float32Array>[]> {
  const spec = { borrowed: true, priority: 0, timeoutMs: undefined, waits: true };
  const where = { normalize: false, out: undefined, outOffset: 0 };
  const asked = inputs.map((input) => {
    nextId += 1;
    const wanted = 'ids' in input ? output : undefined;
    return fromNative(session.encode(nextId, input, { ...spec, ...where, output: wanted }));
  });
  session.wake();
  return Promise.allSettled(asked);
}

/** Like encodeAll, but no input may fail. */
export async function embedAll(
  session: NativeSession,
  inputs: readonly Input[],
  output?: EncodeSpec['output'],
): Promise<Float32Array[]> {
  return (await encodeAll(session, inputs, output)).map((result) => {
    if (result.status === 'fulfilled') return result.value;
    throw result.reason;
  });
}
