import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readCheckpoint } from '#lib/checkpoint/read';
import { openEngine } from '#lib/engines/index';
import {
  type BuildSpec,
  FOR_CPU,
  fromNative,
  type Input,
  type NativeSession,
  type SessionSpec,
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

/** Builds an engine file in `folder`. */
export async function buildTextEngine(
  folder: string,
  tower: Pick<BuildSpec, 'config' | 'weights'>,
  { precision, portable }: { precision: Precision; portable: boolean },
): Promise<string> {
  const output = join(folder, `${precision}-${portable ? 'portable' : 'native'}.pt`);
  await rm(output, { force: true }); // An engine file never replaces another.
  const engine = await openEngine('torchscript');
  const plain = { observe: false, quantisation: [], ...FOR_CPU };
  await fromNative(engine.build({ ...tower, precision, portable, output, ...plain }));
  return output;
}

export async function openTextEngine(
  file: string,
  preset: TextPreset,
  options: Partial<SessionSpec> = {},
): Promise<NativeSession> {
  const engine = await openEngine('torchscript');
  const config = isLlama(preset) ? LLAMAS[preset] : ADAPTERS[preset];
  const input = isLlama(preset)
    ? { maxTokens: MAX_TOKENS, maxTokensPerBatch: 4096 }
    : { featureWidth: config.width };
  const embeddingDim = 'embeddingDim' in config ? config.embeddingDim : config.width;
  const serving = { threads: 2, maxBatch: 16, maxQueue: 64, maxDelayMs: 0 };
  const built = { computeCapabilities: [], cache: '' };
  const spec = {
    key: file,
    file,
    device: 'cpu',
    embeddingDim,
    ...serving,
    ...built,
    ...input,
    ...options,
  };
  return fromNative(engine.open(spec as SessionSpec));
}

let nextId = 0;

/** Encodes inputs together, without normalisation. */
export async function encodeAll(
  session: NativeSession,
  inputs: readonly Input[],
): Promise<PromiseSettledResult<Float32Array>[]> {
  const spec = { borrowed: true, priority: 0, timeoutMs: undefined, waits: true };
  const where = { normalize: false, out: undefined, outOffset: 0 };
  const asked = inputs.map((input) => {
    nextId += 1;
    return fromNative(session.encode(nextId, input, { ...spec, ...where }));
  });
  session.wake();
  return Promise.allSettled(asked);
}

/** Like encodeAll, but no input may fail. */
export async function embedAll(
  session: NativeSession,
  inputs: readonly Input[],
): Promise<Float32Array[]> {
  return (await encodeAll(session, inputs)).map((result) => {
    if (result.status === 'fulfilled') return result.value;
    throw result.reason;
  });
}
