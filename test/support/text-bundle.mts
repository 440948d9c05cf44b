// Converts a whole, tiny LLM2CLIP with synthetic weights, as users do.
import { join } from 'node:path';
import type { ConvertOptions } from 'llm2clip';
import { writeSyntheticWhole } from '../../tools/synthetic/whole.mts';
import { convertModel } from './device.mts';

/** Lengths of an embedding and of a language model's feature. */
export const WHOLE = { embeddingDim: 64, featureWidth: 64 };

/** Writes the checkpoint and the language model's folder into `folder`. */
export function wholeCheckpoint(folder: string): Promise<{ checkpoint: string; llm: string }> {
  return writeSyntheticWhole(folder, { dtype: 'f32', seed: 1 });
}

/** Makes a bundle of vision tower, text adapter and language model, and returns its path. */
export async function wholeBundle(
  folder: string,
  options: Partial<ConvertOptions> = {},
): Promise<string> {
  const { checkpoint, llm } = await wholeCheckpoint(join(folder, 'checkpoint'));
  const out = join(folder, 'whole.bundle');
  await convertModel(checkpoint, { out, llm, precision: 'fp32', ...options });
  return out;
}
