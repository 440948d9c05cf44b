// A language model with synthetic weights: its checkpoint, its engine file, and a session.
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { readCheckpoint } from '#lib/checkpoint/read';
import type { NativeSession } from '#lib/native';
import type { Precision } from '#lib/precision';
import { cacheFolder } from '#lib/runtime/cache';
import { buildTextEngine, MAX_TOKENS, openTextEngine } from '../test/support/text-towers.mts';
import { LLAMAS, type LlamaPreset, writeSyntheticLlama } from '../tools/synthetic/text-towers.mts';

/** Returns the folder of a checkpoint in bf16. It is made once and kept in the user's cache. */
export async function checkpointFolder(preset: LlamaPreset): Promise<string> {
  const folder = join(cacheFolder(), 'bench', preset);
  if (existsSync(folder)) return folder;
  const making = `${folder}-${process.pid}`;
  await mkdir(making, { recursive: true });
  await writeSyntheticLlama(making, preset, { dtype: 'bf16', seed: 1 });
  await rename(making, folder);
  return folder;
}

/** Builds the engine in `folder` and returns its path. */
export async function buildEngine(
  checkpoint: string,
  preset: LlamaPreset,
  precision: Precision,
  folder: string,
): Promise<string> {
  const { tensors } = await readCheckpoint(join(checkpoint, 'model.safetensors'));
  const config = { family: 'llama', maxTokens: MAX_TOKENS, ...LLAMAS[preset] } as const;
  const weights = tensors.map((entry) => ({ name: entry.name.replace(/^model\./, ''), entry }));
  return buildTextEngine(folder, { config, weights }, { precision, portable: false });
}

/** Opens a session for encoding many texts as fast as possible. */
export function openModel(
  file: string,
  preset: LlamaPreset,
  threads: number,
): Promise<NativeSession> {
  const serving = { threads, maxBatch: 64, maxQueue: 1024, maxTokensPerBatch: MAX_TOKENS };
  return openTextEngine(file, preset, serving);
}
