// A complete tiny LLM2CLIP with random weights in the published layouts: an EVA02 checkpoint with
// its text adapter, and the folder of a language model.
import { join } from 'node:path';
import { writeSyntheticCheckpoint } from './checkpoint.mts';
import type { WeightDtype } from './random.mts';
import { writeSyntheticLlama } from './text-towers.mts';
import { writeTinyTokenizer } from './tokenizer.mts';

export const WHOLE_PRESET = 'whole-tiny';

/** Words with their own tokens. */
const WORDS = ['a', 'photo', 'of', 'the', 'cat', 'dog', 'red', 'car'];

export async function writeSyntheticWhole(
  folder: string,
  { dtype, seed }: { dtype: WeightDtype; seed: number },
): Promise<{ checkpoint: string; llm: string }> {
  const llm = join(folder, 'llm');
  await writeSyntheticLlama(llm, 'llama-tiny', { dtype, seed });
  writeTinyTokenizer(llm, WORDS);
  const file = { layout: 'official', format: 'torch', textKeys: true } as const;
  const checkpoint = await writeSyntheticCheckpoint(folder, {
    preset: 'eva02-tiny',
    ...file,
    dtype,
    seed,
  });
  return { checkpoint, llm };
}
