import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { askWorker } from '../async/ask-worker';
import { LLM2CLIPError } from '../errors';
import type { FloatDtype } from './floats';
import type { NamedEntry } from './layouts/bind';
import type { LoraUpdate } from './lora';
import type { MergeRequest } from './lora-merge';

export interface MergeOptions {
  /** File to write, which must not exist. It must stay until the weights are read. */
  output: string;
  /** Type of the merged weights. */
  dtype: FloatDtype;
  signal?: AbortSignal;
}

/**
 * Merges a LoRA into a model's weights, off the event loop. The returned entries of updated weights
 * refer to a new file, the others to the original files.
 *
 * @throws LLM2CLIPError ERR_IO, ERR_CHECKPOINT_NONFINITE, ERR_CHECKPOINT_UNSUPPORTED;
 *   `signal.reason`
 * @example
 * const { weights } = resolveLlama(await readCheckpoint('Llama-3.1-8B'));
 * const updates = resolveLora(await readLora('lora'), weights);
 * const merged = await mergeLora(weights, updates, { output: 'merged.bin', dtype: 'bf16' });
 */
export async function mergeLora(
  weights: readonly NamedEntry[],
  updates: LoraUpdate[],
  { output, dtype, signal }: MergeOptions,
): Promise<NamedEntry[]> {
  if (existsSync(output)) throw new LLM2CLIPError('ERR_IO', `cannot write ${output}: it exists`);
  const merged = await merge({ updates, output, dtype }, signal);
  const byName = new Map(merged.map(({ name, entry }) => [name, entry]));
  return weights.map(({ name, entry }) => ({ name, entry: byName.get(name) ?? entry }));
}

async function merge(request: MergeRequest, signal: AbortSignal | undefined) {
  const { output } = request;
  try {
    const what = `merges a LoRA into ${output}`;
    const script = join(__dirname, 'merge-worker.js');
    return await askWorker<MergeRequest, NamedEntry[]>(script, request, what, signal);
  } catch (error) {
    // A terminated thread could not delete the file.
    await rm(output, { force: true }).catch(() => undefined);
    throw error;
  }
}
